"""Steps are timed one by one on a CPU, and together on a device that computes while the program goes on."""

import pytest
import torch

from benchmarks import timer
from benchmarks.timer import Timer, steps_per_second


def test_a_stall_does_not_count_on_a_cpu() -> None:
    assert steps_per_second([0.0, 0.5, 1.0, 9.0, 9.5]) == 2


def test_all_steps_count_on_a_gpu_and_it_is_waited_for_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    watched = Timer(torch.device("cuda", 0), steps=6)
    monkeypatch.setattr(timer, "wait_for", lambda device: waited.append(len(watched.ends)))
    times = iter([0.0, 1.0, 2.0, 4.0, 5.0, 6.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    for _ in range(6):
        watched.note()
    assert waited == [3, 5]
    assert watched.speed() == 1.0  # two steps from the end of the fourth, at 4, to that of the sixth
