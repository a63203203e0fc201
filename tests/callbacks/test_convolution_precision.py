"""Convolutions are computed in float32 where their bfloat16 gradients are wrong or slow."""

from itertools import product
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from callbacks.convolution_precision import is_slow, wastes_kernel
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

CONVOLUTIONS = {
    "one axis": nn.Conv1d,
    "two axes": nn.Conv2d,
    "transposed": nn.ConvTranspose2d,
}


def inputs(module: nn.Module, side: int) -> Tensor:
    """Returns ones [1, 1, side] or [1, 1, side, 4]."""
    return torch.ones(1, 1, side, *(4,) * (len(module.kernel_size) - 1), dtype=torch.float64)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_it_knows_which_kernels_meet_padding_alone(kind: str) -> None:
    wasteful = 0
    for kernel, stride, padding, dilation, side in product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2), (1, 2, 3, 4)):
        module = CONVOLUTIONS[kind](1, 1, kernel, stride, padding, dilation=dilation, bias=False).double()
        nn.init.ones_(module.weight)
        try:
            module(inputs(module, side)).sum().backward()
        except RuntimeError:  # the kernel is larger than the padded map
            continue
        assert wastes_kernel(module, inputs(module, side).shape) == bool((module.weight.grad == 0).any()), module
        wasteful += int((module.weight.grad == 0).any())
    assert wasteful > 10


@pytest.mark.parametrize(
    ("kernel", "dilation", "side", "wasteful"), [(3, 1, 1, True), (3, 1, 2, False), (4, 2, 3, True)]
)
def test_it_knows_padding_by_name(kernel: int, dilation: int, side: int, wasteful: bool) -> None:
    module = nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation, bias=False)
    module(torch.ones(1, 1, side)).sum().backward()
    assert bool((module.weight.grad == 0).any()) == wasteful
    assert wastes_kernel(module, torch.Size([1, 1, side])) == wasteful


class Narrow(LightningModule):
    """Convolves maps of 16 pixels until one is left, and beyond."""

    def __init__(self) -> None:
        super().__init__()
        pooled = [nn.AvgPool2d(16), nn.Conv2d(3, 64, 1)]
        self.layers = nn.Sequential(*pooled, nn.Conv2d(64, 128, 3, 2, 1), nn.ConvTranspose2d(128, 64, 3, 2, 1))
        self.gradients: list[Tensor] = []

    def training_step(self, batch: tuple, batch_idx: int) -> Tensor:
        self.type_of_output = (output := self.layers(batch.images)).dtype
        return output.float().square().mean()

    def on_after_backward(self) -> None:
        self.gradients.append(torch.stack([layer.weight.grad[:64, :64].float() for layer in self.layers[2:]]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def trained(folder: Path, precision: str) -> Narrow:
    """Returns a network after an epoch of seven steps."""
    torch.manual_seed(0)
    trainer = tiny_trainer(folder, max_epochs=1, precision=precision, limit_val_batches=0)
    trainer.fit(model := Narrow(), TinyDataModule())
    return model


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_what_a_kernel_does_not_use_has_no_gradient(precision: str, tmp_path: Path) -> None:
    first, second = (trained(tmp_path / name, precision) for name in ("first", "second"))
    gradients = torch.stack(first.gradients)
    assert first.type_of_output == torch.bfloat16
    assert gradients[..., 1, 1].abs().sum() > 0
    gradients[..., 1, 1] = 0
    assert not gradients.any()
    assert torch.equal(torch.stack(first.gradients), torch.stack(second.gradients))
    assert not any("forward" in vars(module) for module in first.modules())


PLAIN, SLOW = {"padding": 1, "groups": 8}, {"stride": 2, "padding": 1, "groups": 8}


@pytest.mark.parametrize(
    ("channels", "kernel", "settings", "side", "slow"),
    [
        ((8, 8), 3, PLAIN, 4, False),
        ((8, 8), 3, PLAIN, 2, True),  # less than the kernel
        ((8, 8), 3, SLOW, 4, True),
        ((8, 8), 3, {**PLAIN, "dilation": 2}, 8, True),
        ((8, 16), 3, PLAIN, 4, True),
        ((8, 8), 5, PLAIN, 8, True),
        ((8, 8), 3, {"padding": 1, "groups": 4}, 4, True),
        ((8, 8), 3, {"stride": 2, "padding": 1, "groups": 2}, 4, False),
        ((1, 1), 3, {"stride": 2, "padding": 1}, 4, False),  # one channel is no group
    ],
)
def test_it_knows_which_convolutions_are_slow(
    channels: tuple[int, int], kernel: int, settings: dict, side: int, slow: bool
) -> None:
    for kind in (nn.Conv1d, nn.Conv2d):
        module = kind(*channels, kernel, **settings)
        assert is_slow(module, torch.Size([1, channels[0], *(side,) * len(module.kernel_size)])) == slow


class Depthwise(LightningModule):
    """Has a depthwise convolution and looks whether its output has the bits of float32, rounded at the end."""

    def __init__(self, **settings: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(8, 8, 3, bias=False, **settings)
        self.in_float32: list[bool] = []

    def training_step(self, batch: tuple, batch_idx: int) -> Tensor:
        maps = batch.images.repeat(1, 3, 1, 1)[:, :8]
        output = self.layer(maps)
        with torch.autocast("cpu", enabled=False):
            exact = type(self.layer).forward(self.layer, maps.float())
        self.in_float32.append(torch.equal(output, exact.bfloat16()))
        return output.float().square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.parametrize("settings", [PLAIN, SLOW, {"stride": 2, "groups": 8}])
def test_slow_convolutions_are_computed_in_float32(settings: dict, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, precision="bf16-mixed", limit_train_batches=1, limit_val_batches=0)
    trainer.fit(model := Depthwise(**settings), TinyDataModule())
    assert model.in_float32 == [settings is not PLAIN]


def test_other_convolutions_are_as_they_were(tmp_path: Path) -> None:
    calls = []
    model = tiny_vgg()
    model.stages[1][0].register_forward_hook(lambda module, args, output: calls.append(output.dtype))
    tiny_trainer(tmp_path, max_epochs=1, precision="bf16-mixed", limit_train_batches=1).fit(model, TinyDataModule())
    assert set(calls) == {torch.bfloat16}


class Counting(Narrow):
    """Has replaced the forward pass of its first convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.layers[2].forward = self.counted

    def counted(self, x: Tensor) -> Tensor:
        self.calls += 1
        with torch.autocast("cpu", enabled=False):
            return type(self.layers[2]).forward(self.layers[2], x.float())


def test_a_forward_pass_that_a_model_has_replaced_is_its_own(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, precision="bf16-mixed", limit_val_batches=0)
    trainer.fit(model := Counting(), TinyDataModule())
    assert model.calls >= len(model.gradients) > 0
    assert model.layers[2].forward == model.counted
    assert "forward" not in vars(model.layers[3])
