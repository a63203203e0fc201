"""Keeps convolutions in float32 whose bfloat16 gradients are wrong or slow on CPUs."""

from collections.abc import Iterator
from functools import partial

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.func import functional_call


class ConvolutionPrecision(Callback):
    """Computes a convolution in float32 where bfloat16 is wrong or slow, on a CPU.

    Wrong: some kernel rows or columns only ever see padding, as with a 3x3 kernel and padding 1 on a 1x1 map. Their
    gradient is zero, but for some of these sizes oneDNN's bfloat16 gradient has uninitialized memory there (seen with
    torch 2.14), so that a run cannot be repeated, or diverges. Such maps are small, and float32 costs little.

    Slow: most depthwise convolutions. oneDNN has fast bfloat16 gradients only for the plainest of them; with a stride,
    the gradient of the input takes up to a hundred times as long as in float32 (seen with torch 2.14).
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Replaces the forward passes of convolutions with padding, but for those that a model has replaced itself."""
        if stage != "fit" or trainer.strategy.root_device.type != "cpu" or not trainer.precision.startswith("bf16"):
            return
        for module in pl_module.modules():
            if not isinstance(module, nn.modules.conv._ConvNd) or "forward" in vars(module):
                continue
            if has_padding(module) or has_small_groups(module):
                module.forward = partial(_forward, module)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the convolutions their own forward passes back, also after a fit of another trainer that broke off."""
        for module in pl_module.modules():
            if getattr(vars(module).get("forward"), "func", None) is _forward:
                del module.forward


def _forward(module: nn.Module, x: Tensor, *args: object) -> Tensor:
    forward = partial(type(module).forward, module)
    bfloat16 = x.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
    if not bfloat16 or not (wastes_kernel(module, x.shape) or is_slow(module, x.shape)):
        return forward(x, *args)
    with torch.autocast("cpu", enabled=False):
        weights = {name: parameter.float() for name, parameter in module.named_parameters()}
        return functional_call(module, weights, (x.float(), *args)).bfloat16()


def has_padding(module: nn.modules.conv._ConvNd) -> bool:
    """Returns whether the maps are padded."""
    return module.padding not in ("valid", (0,) * len(module.stride))


def has_small_groups(module: nn.modules.conv._ConvNd) -> bool:
    """Returns whether each filter sees one to three of many channels."""
    return module.groups > 1 and module.in_channels // module.groups < 4


def is_slow(module: nn.modules.conv._ConvNd, shape: torch.Size) -> bool:
    """Returns whether gradients take longer in bfloat16 than in float32, for an input [..., side] or [..., H, W]."""
    if not has_small_groups(module):
        return False
    axes = len(module.kernel_size)
    plain = module.groups == module.in_channels == module.out_channels and set(module.stride + module.dilation) == {1}
    return not plain or any(k > min(3, side) for k, side in zip(module.kernel_size, shape[-axes:], strict=True))


def wastes_kernel(module: nn.modules.conv._ConvNd, shape: torch.Size) -> bool:
    """Returns whether a row or column of the kernel meets padding alone, for an input [..., side] or [..., H, W]."""
    return any(
        _never_meets(place * dilation - padding, side, stride, windows)
        for side, windows, kernel, stride, padding, dilation in _axes(module, shape)
        if side < dilation * (kernel - 1) + stride  # else each part meets the map
        for place in range(kernel)
    )


def _axes(module: nn.modules.conv._ConvNd, shape: torch.Size) -> Iterator[tuple[int, ...]]:
    """Yields side of the padded map, windows along it, kernel, stride, padding and dilation of each axis."""
    axes = len(module.kernel_size)
    for axis, side in enumerate(shape[-axes:]):
        kernel, stride, dilation = module.kernel_size[axis], module.stride[axis], module.dilation[axis]
        reach = dilation * (kernel - 1)
        if module.padding == "same":
            yield side, side, kernel, stride, reach // 2, dilation
            continue
        padding = module.padding[axis]
        if module.transposed:  # its output is the map that is padded
            output = (side - 1) * stride - 2 * padding + reach + module.output_padding[axis] + 1
            yield output, side, kernel, stride, padding, dilation
        else:
            yield side, (side + 2 * padding - reach - 1) // stride + 1, kernel, stride, padding, dilation


def _never_meets(first: int, side: int, stride: int, windows: int) -> bool:
    """Returns whether none of `windows` places, `stride` apart from `first` on, lies in the map from 0 to `side`."""
    window = max(0, -(first // stride))  # the first that does not lie before the map
    return window >= windows or first + window * stride >= side
