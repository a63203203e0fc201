"""How the processor's time of a run's training is taken."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import training_time
from benchmarks.training_time import TrainingTime
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def test_training_lasts_from_the_first_step_to_the_end_of_the_last_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(5, 1000))
    monkeypatch.setattr(training_time, "time", SimpleNamespace(process_time=lambda: next(clock)))
    path = tmp_path / "times"
    for _ in range(2):  # as runs of several processes
        trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, callbacks=[TrainingTime(str(path))])
        trainer.fit(tiny_vgg(), TinyDataModule())
    moves = trainer.num_training_batches + sum(trainer.num_val_batches)  # of the clock, each by one
    assert [float(line) for line in path.read_text().splitlines()] == [moves, moves]
