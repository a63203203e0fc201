"""Checks of networks that several test files need."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def assert_gradients(model: nn.Module) -> None:
    """Checks that every trained parameter has a finite gradient that is not 0 everywhere."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.count_nonzero(), name


def number_of_parameters(make: Callable[..., nn.Module], **settings: object) -> int:
    """Returns the number of parameters of a network, without memory for them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make(**settings).parameters())


def millions_of_multiplications(make: Callable[[], nn.Module], image_size: int) -> int:
    """Returns the multiplications for one image with three channels, in millions, without memory for them."""
    with torch.device("meta"):
        model = make().eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, image_size, image_size))
    return round(counter.get_total_flops() / 2e6)  # a multiplication and an addition count as two


def sides_of_features(make: Callable[[], nn.Module], images: tuple[int, ...]) -> list[int]:
    """Returns the width of the maps after each layer of `features`, for images of a shape."""
    with torch.device("meta"):
        x, sides = torch.empty(images), []
        for layer in make().features:
            x = layer(x)
            sides.append(x.shape[-1])
    return sides


@torch.no_grad()
def logits_in_bfloat16(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the logits under bfloat16 autocast and in float32, in evaluation mode.

    Before, it lets the norms' statistics settle, and checks that `channels_last` changes no logit.
    """
    for _ in range(20):
        model(images)
    model.eval()
    expected = model(images)
    model.to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        return model(images), expected
