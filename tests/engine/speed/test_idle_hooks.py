"""Lightning calls the hooks that do something, and those alone."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Callback
from pytorch_lightning.profilers import SimpleProfiler

from engine.speed.idle_hooks import HOOKS_OF_A_STEP, NoProfiler, skip_idle_hooks
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Inherits(Callback):
    """Overrides one hook."""

    def __init__(self) -> None:
        self.calls = 0

    def on_train_batch_end(self, *_: Any) -> None:
        self.calls += 1


def test_an_idle_hook_is_not_called_and_a_busy_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle: Counter[str] = Counter()
    for hook in HOOKS_OF_A_STEP:
        monkeypatch.setattr(Callback, hook, lambda *_, hook=hook: idle.update([hook]))
    callback = Inherits()
    trainer = tiny_trainer(tmp_path, callbacks=[callback], max_epochs=1, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    trainer.test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert callback.calls == 6
    assert not idle


def test_every_hook_of_a_step_is_one_of_lightnings() -> None:
    assert all(callable(getattr(Callback, hook)) for hook in HOOKS_OF_A_STEP)


def test_a_hook_that_was_given_to_an_instance_stays() -> None:
    callback = Callback()
    seen = []
    callback.on_train_batch_start = seen.append
    skip_idle_hooks([callback])
    callback.on_train_batch_start(1)
    assert seen == [1]
    assert callback.on_train_batch_end is None


def test_a_profiler_that_is_asked_for_profiles(tmp_path: Path) -> None:
    assert isinstance(tiny_trainer(tmp_path).profiler, NoProfiler)
    profiler = SimpleProfiler()
    trainer = tiny_trainer(tmp_path, profiler=profiler, max_epochs=1, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert len(profiler.recorded_durations["run_training_batch"]) == 6
