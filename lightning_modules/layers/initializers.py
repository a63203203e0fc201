"""Weight initialisers by name, for convolutions and dense layers. Biases start at 0."""

from typing import Literal

from torch import nn

from core.ranges import check_range

Initializer = Literal[
    "he",
    "he_uniform",
    "xavier",
    "xavier_normal",
    "normal",
    "truncated_normal",
    "uniform",
    "positive_uniform",
    "fan_in_uniform",
    "constant",
    "identity",
]


def initialize(module: nn.Module, kind: Initializer, scale: float) -> None:
    """Initialises every convolution and dense layer of a module in place.

    Args:
        module: The network.
        kind: `he` is N(0, 2 / fan_in) and `xavier` uniform with variance 2 / (fan_in + fan_out) (He et al., 2015;
            Glorot and Bengio, 2010); `he_uniform` and `xavier_normal` have the same variances with the other
            distribution; `fan_in_uniform` is uniform within 1 / sqrt(fan_in); `normal`, `truncated_normal` (at two
            standard deviations), `uniform` (in [-scale, scale)), `positive_uniform` (in [0, scale)) and `constant` use
            `scale`; `identity` copies a convolution's input channels to its first output channels, and is otherwise
            `fan_in_uniform`.
        scale: Standard deviation, half width or value.

    Raises:
        InputError: The scale is negative, and no value.
    """
    if kind != "constant":
        check_range("model.initializer_scale", scale)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _fill(layer, kind, scale)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _fill(layer: nn.Conv2d | nn.Linear, kind: Initializer, scale: float) -> None:
    weight = layer.weight
    if kind in ("identity", "fan_in_uniform"):
        nn.init.kaiming_uniform_(weight, a=5**0.5)  # torch's default: uniform within 1 / sqrt(fan_in)
        if kind == "identity" and isinstance(layer, nn.Conv2d):
            nn.init.dirac_(weight.data[: min(layer.in_channels, layer.out_channels)])
    elif kind == "he":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif kind == "he_uniform":
        nn.init.kaiming_uniform_(weight, nonlinearity="relu")
    elif kind == "xavier":
        nn.init.xavier_uniform_(weight)
    elif kind == "xavier_normal":
        nn.init.xavier_normal_(weight)
    elif kind == "normal":
        nn.init.normal_(weight, std=scale)
    elif kind == "truncated_normal":
        nn.init.trunc_normal_(weight, std=scale, a=-2 * scale, b=2 * scale)
    elif kind == "uniform":
        nn.init.uniform_(weight, -scale, scale)
    elif kind == "positive_uniform":
        nn.init.uniform_(weight, 0, scale)
    else:
        nn.init.constant_(weight, scale)
