"""A constant factor."""

from torch import Tensor, nn


class Scale(nn.Module):
    """Multiplies by a constant.

    Args:
        factor: The constant.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Returns values [...] times the factor."""
        return x * self.factor

    def extra_repr(self) -> str:
        """Returns the factor, in words."""
        return f"factor={self.factor}"
