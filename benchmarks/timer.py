"""The speed of training steps, on devices that compute while the program goes on, too."""

import statistics
import time
from itertools import pairwise
from typing import Any

import pytorch_lightning as pl
import torch

CPU = torch.device("cpu")
FIRST = 10  # steps on a GPU that are not timed


def wait_for(device: torch.device) -> None:
    """Waits until a GPU has computed all that it was told to; on a CPU there is nothing to wait for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def steps_per_second(ends: list[float]) -> float:
    """Returns the speed of the median step, by the times in seconds at which steps end."""
    return 1 / statistics.median(second - first for first, second in pairwise(ends))


class Timer(pl.Callback):
    """Records the time at the end of every batch, in seconds.

    A GPU is still computing when a step ends for the program: there all steps after the first ones are timed together,
    and the device is waited for before and after them.

    Args:
        device: Where the steps are computed.
        steps: How many there will be; on a GPU it must be known.
    """

    def __init__(self, device: torch.device = CPU, steps: int = 0) -> None:
        self.device, self.steps = device, steps
        self.first = min(FIRST, steps // 2)
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        """Records the time."""
        self.note()

    def note(self) -> None:
        """Records the time at the end of a step."""
        if len(self.ends) in (self.first, self.steps - 1):
            wait_for(self.device)
        self.ends.append(time.perf_counter())

    def speed(self) -> float:
        """Returns steps a second: of the median step on a CPU, of all timed ones on a GPU."""
        if self.device.type == "cpu":
            return steps_per_second(self.ends)
        return (self.steps - 1 - self.first) / (self.ends[self.steps - 1] - self.ends[self.first])
