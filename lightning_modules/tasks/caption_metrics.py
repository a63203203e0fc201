"""Running metrics of captions: cross-entropy and correctness of symbols, and the captions that were written."""

import torch
from torch import Tensor
from torchmetrics.utilities.data import dim_zero_cat

from lightning_modules.tasks.translation_metrics import TokenMetrics


class CaptionMetrics(TokenMetrics):
    """Mean cross-entropy over symbols, its perplexity, and the share of symbols that are the most probable ones.

    Attributes:
        written: Place of each described picture in its part, in order, and the symbols of its caption, int64
            [N, 1 + L], of all processes, once the figures are computed.
    """

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.add_state("right", torch.tensor(0))
        self.add_state("reward", torch.tensor(0.0))
        self.add_state("samples", torch.tensor(0))
        self.add_state("rows", [], dist_reduce_fx="cat")
        self.written: Tensor | None = None

    def update(self, loss: Tensor, number: Tensor, right: Tensor) -> None:
        """Adds a batch, without synchronizing with the device.

        Args:
            loss: Sum of the cross-entropy over its symbols.
            number: Number of these, [].
            right: Number of those that are the most probable ones, [].
        """
        super().update(loss, number)
        self.right.add_(right)

    def add_rewards(self, rewards: Tensor) -> None:
        """Adds the scores of sampled captions."""
        self.reward.add_(rewards.sum())
        self.samples.add_(rewards.numel())

    def add(self, captions: Tensor, index: Tensor) -> None:
        """Adds captions that were written.

        Args:
            captions: Symbols, int64 [B, L], of the same L in every batch.
            index: Place of each picture in its part, int64 [B].
        """
        self.rows.append(torch.cat([index[:, None], captions], 1))

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        if len(self.rows):
            rows = dim_zero_cat(self.rows).cpu()
            self.written = rows[rows[:, 0].argsort()]  # whichever processes and batches had them
        figures = super()._figures(count) | {"acc": self.right / count}
        return figures | {"reward": self.reward / self.samples} if self.samples else figures
