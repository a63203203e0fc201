"""All processes of a run stop at the same step."""

import signal
import time
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from callbacks.synchronized_signal import SynchronizedSignal


def steps_of_looks(asked: Sequence[int], a_step: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the steps at which several GPUs look at each other's signals.

    Args:
        asked: The steps at which they can.
        a_step: Seconds of a step on the slowest of them, which is not this one.
        monkeypatch: Puts others in place of the clock and the GPU.
    """
    make, looks = torch.tensor, []
    strategy = SimpleNamespace(root_device=torch.device("cuda", 0))
    strategy.reduce = lambda own, reduce_op: torch.maximum(own, make([signal.SIGTERM, a_step]))
    trainer = SimpleNamespace(world_size=2, strategy=strategy, optimizer_steps=0)
    request = SynchronizedSignal()
    with monkeypatch.context() as patch:
        patch.setattr(torch, "tensor", lambda value, dtype, device: make(value, dtype=dtype))  # there is no GPU here
        patch.setattr(time, "monotonic", lambda: trainer.optimizer_steps * a_step / 2)
        for trainer.optimizer_steps in asked:
            if request.agreed(trainer):
                looks.append(trainer.optimizer_steps)
    return looks


@pytest.mark.parametrize("asked", [range(100), [step for step in range(100) if step % 16]], ids=["all", "few"])
def test_several_gpus_look_at_each_others_signals_whichever_steps_can_be_asked(
    asked: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = steps_of_looks(asked, 0.01, monkeypatch)
    assert looks[0] == 1, "at once: nobody knows yet how long a step takes"
    assert all(16 <= after - before <= 17 for before, after in pairwise(looks))
    assert looks[-1] > 80


@pytest.mark.parametrize(("a_step", "interval"), [(0.19, 5), (0.9, 1), (30.0, 1)])
def test_long_steps_are_not_waited_for(a_step: float, interval: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert steps_of_looks(range(30), a_step, monkeypatch) == [*range(1, 30, interval)]
