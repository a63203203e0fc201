"""Running metrics, cheap enough to be updated in every step."""

import torch
from torch import Tensor
from torchmetrics import Metric


class ClassificationMetrics(Metric):
    """Mean loss and accuracy over samples, exact for batches of any size and over several devices.

    Args:
        persistent: Keep the sums in checkpoints, so that an epoch resumed in its middle reports all of it.
    """

    full_state_update = False

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(compute_with_cache=False)
        # without torchmetrics' wrapper around it, which takes longer than the work (a copy has it again: harmless)
        self.update = type(self).update.__get__(self)
        self.add_state("loss", torch.tensor(0.0), dist_reduce_fx="sum", persistent=persistent)
        self.add_state("correct", torch.tensor(0), dist_reduce_fx="sum", persistent=persistent)
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum", persistent=persistent)

    def update(self, logits: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Takes a batch in, without waiting for the device.

        Args:
            logits: [B, K].
            targets: int64 [B].
            loss: Mean loss of the batch.
        """
        self.__dict__["_update_count"] = 1  # what the wrapper would count; torchmetrics asks whether there was any
        self.loss.add_(loss.detach(), alpha=len(targets))
        self.correct.add_((logits.detach().argmax(1) == targets).sum())
        self.count.add_(len(targets))

    def compute(self) -> dict[str, Tensor]:
        """Returns `loss` (nats) and `acc` (0 to 1)."""
        return {"loss": self.loss / self.count, "acc": self.correct / self.count}

    def so_far(self) -> tuple[float, float]:
        """Returns loss and accuracy on this device alone; waits for it."""
        count = max(1, int(self.count))
        return float(self.loss) / count, int(self.correct) / count
