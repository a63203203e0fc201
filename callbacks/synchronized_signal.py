"""The signal that asks a run to stop, on which all its processes agree."""

import time

import torch
from pytorch_lightning import Trainer

from core.processes.signals import StopRequest

GPU_INTERVAL = 16  # most steps between looks of several GPUs at each other's signals
GPU_SECONDS = 1.0  # about the longest time between them, unless a step takes longer


class SynchronizedSignal(StopRequest):
    """A request to stop that any process may receive, and all answer at the same step."""

    def __init__(self) -> None:
        super().__init__()
        self._agreed_at = 0  # optimizer steps at the latest look at the signals of all GPUs
        self._looked = 0.0  # when that was
        self._interval = 1  # steps from it to the next, on which the GPUs have agreed

    def agreed(self, trainer: Trainer) -> int:
        """Returns the signal that any rank has received, on all ranks, or 0."""
        if trainer.world_size == 1:
            return self.signum
        steps, device = trainer.optimizer_steps, trainer.strategy.root_device
        if device.type != "cpu" and 0 <= steps - self._agreed_at < self._interval:
            return 0  # asking every time would stall the GPU's queue
        now = time.monotonic()
        a_step = (now - self._looked) / max(1, steps - self._agreed_at)
        self._agreed_at, self._looked = steps, now
        mine = torch.tensor([self.signum, a_step], dtype=torch.float32, device=device)
        signum, slowest = trainer.strategy.reduce(mine, reduce_op="max").tolist()
        self._interval = max(1, min(GPU_INTERVAL, int(GPU_SECONDS / max(slowest, 1e-6))))
        return int(signum)
