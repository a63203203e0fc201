"""What is shown of a generator: how its pictures change along a line of noises, and over the epochs."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

ROWS = 16  # of a strip, at most
OPPOSITE = -0.9999  # cosine


def between_noises(start: Tensor, end: Tensor, steps: int, on_sphere: bool) -> Tensor:
    """Returns noises from one to another, [R, steps, Z].

    Args:
        start: [R, Z].
        end: [R, Z].
        steps: Number of noises of a row, both ends included.
        on_sphere: Go along an arc, as long normal noises lie near a sphere, and a straight line leads through its
            middle; between opposite noises, as half of those of one number are, no arc is the shortest.
    """
    shares = torch.linspace(0, 1, steps)[:, None]  # [T, 1]
    start, end = start[:, None], end[:, None]  # [R, 1, Z]
    straight = torch.lerp(start, end, shares)
    if not on_sphere:
        return straight
    cosine = torch.cosine_similarity(start, end, dim=2).clamp(-1, 1)[..., None]  # [R, 1, 1]
    angle = cosine.acos().clamp(min=1e-3)
    arc = (((1 - shares) * angle).sin() * start + (shares * angle).sin() * end) / angle.sin()
    return torch.where(cosine < OPPOSITE, straight, arc)


@dataclass
class Strip:
    """Pictures of the same noises after some of the epochs, a row each.

    Every epoch has a row at first; when there are too many, every second one is dropped, and so on.

    Attributes:
        every: Epochs from one row to the next.
        rows: Pictures by epoch, uint8 [N, H, W, C].
    """

    every: int = 1
    rows: dict[int, Tensor] = field(default_factory=dict)

    def add(self, epoch: int, pictures: Tensor) -> None:
        """Adds the pictures after an epoch; its row is the last, whether or not it will stay."""
        self.rows = {known: row for known, row in self.rows.items() if known % self.every == 0 and known < epoch}
        while len(self.rows) >= ROWS:
            self.every *= 2
            self.rows = {known: row for known, row in self.rows.items() if known % self.every == 0}
        self.rows[epoch] = pictures

    def images(self) -> Tensor:
        """Returns all rows, uint8 [N, H, W, C]."""
        return torch.cat(list(self.rows.values()))

    def state_dict(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        return {"every": self.every, "rows": self.rows}

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Strip":
        """Returns the strip of a checkpoint."""
        return cls(state["every"], dict(state["rows"]))
