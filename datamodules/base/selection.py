"""Which training samples an epoch has, where it has a share of them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.randomness import generator

Reduce = Callable[[Tensor], Tensor]


class Selection:
    """Chooses a share of the training samples for each epoch, by how often they were seen and by their losses.

    Args:
        samples: Number of training samples N.
        size: Number of samples of an epoch.
        from_epoch: First epoch that takes those of the highest loss; epochs before take those least often seen.
        device: Where losses are kept.

    Attributes:
        order: The samples of the current epoch, in the order of training, int64 [size]; None before the first.
        seen: How often each was trained on, int32 [N].
        losses: Loss of each when it was last trained on, float32 [N]; infinite for those never seen.
    """

    def __init__(self, samples: int, size: int, from_epoch: int, device: torch.device | str = "cpu") -> None:
        self.size = size
        self.from_epoch = from_epoch
        self.order: Tensor | None = None
        self.seen = torch.zeros(samples, dtype=torch.int32, device=device)
        self.losses = torch.full((samples,), torch.inf, device=device)
        self._fresh = torch.zeros(samples, dtype=torch.bool, device=device)  # noted here since the last `gather`

    def note(self, index: Tensor, losses: Tensor) -> None:
        """Notes the losses of a batch, float32 [B], of samples int64 [B], each of which is new to this epoch."""
        self.losses[index] = losses.nan_to_num(nan=torch.inf, posinf=torch.inf)
        self.seen[index] += 1
        self._fresh[index] = True

    def gather(self, add: Reduce) -> None:
        """Takes up what the other processes have noted; `add` adds a tensor over all processes."""
        noted = add(self._fresh.int())
        zero = torch.zeros_like(self.losses)
        self.losses = torch.where(noted > 0, add(torch.where(self._fresh, self.losses, zero)), self.losses)
        self.seen += noted - self._fresh.int()
        self._fresh.zero_()

    def choose(self, seed: int, epoch: int) -> None:
        """Chooses the samples of an epoch; samples that are equal otherwise are taken at random."""
        shuffled = torch.randperm(len(self.losses), generator=generator(seed, "order", epoch)).to(self.losses.device)
        keys = self.seen if epoch < self.from_epoch else -self.losses
        chosen = torch.zeros_like(self._fresh)
        chosen[shuffled[keys[shuffled].argsort(stable=True)[: self.size]]] = True
        self.order = shuffled[chosen[shuffled]]

    def state_dict(self) -> dict[str, Any]:
        """Returns the current epoch's samples, what is known of all, and the first epoch of the highest losses."""
        known = {"order": self.order.int(), "seen": self.seen, "losses": self.losses}
        return {name: values.cpu() for name, values in known.items()} | {"from_epoch": self.from_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues with the samples and the losses of a checkpoint, which are those of an equal selection."""
        device = self.losses.device
        self.order = state["order"].long().to(device)
        self.seen, self.losses = state["seen"].to(device), state["losses"].to(device)
