"""The signal that asks a run to stop, on which all its processes agree."""

import torch
from pytorch_lightning import Trainer

from core.signals import StopRequest

GPU_INTERVAL = 16  # steps between looks of several GPUs at each other's signals


class SynchronizedSignal(StopRequest):
    """A request to stop that any process may receive, and all answer at the same step."""

    def __init__(self) -> None:
        super().__init__()
        self._agreed_at = 0  # optimizer steps at the latest look at the signals of all GPUs

    def agreed(self, trainer: Trainer) -> int:
        """Returns the signal that any rank has received, on all ranks, or 0."""
        if trainer.world_size == 1:
            return self.signum
        steps, device = trainer.optimizer_steps, trainer.strategy.root_device
        if device.type != "cpu" and 0 <= steps - self._agreed_at < GPU_INTERVAL:
            return 0  # asking every time would stall the GPU's queue
        self._agreed_at = steps
        return int(trainer.strategy.reduce(torch.tensor(self.signum, device=device), reduce_op="max"))
