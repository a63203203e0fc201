"""All processes of a run stop at the same step."""

import signal
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from callbacks.synchronized_signal import SynchronizedSignal


@pytest.mark.parametrize("asked", [range(100), [step for step in range(100) if step % 16]], ids=["all", "few"])
def test_several_gpus_look_at_each_others_signals_whichever_steps_can_be_asked(asked: Sequence[int]) -> None:
    looks = []
    strategy = SimpleNamespace(root_device=torch.device("cuda", 0), reduce=lambda tensor, reduce_op: signal.SIGTERM)
    trainer = SimpleNamespace(world_size=2, strategy=strategy, optimizer_steps=0)
    request = SynchronizedSignal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "tensor", lambda value, device: value)  # there is no GPU here
        for trainer.optimizer_steps in asked:
            if request.agreed(trainer):
                looks.append(trainer.optimizer_steps)
    gaps = [after - before for before, after in pairwise(looks)]
    assert looks[0] in (16, 17)
    assert all(16 <= gap <= 17 for gap in gaps)
    assert looks[-1] > 80
