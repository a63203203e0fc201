"""TensorBoard shows each step of a run once, however often it was killed."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from pytorch_lightning import Callback
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from callbacks import RunCheckpoint
from callbacks.tensorboard_events import cut_events
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

KILLS = (4, 7, 9, 12, 14)  # steps; an epoch has six, and every third is saved


class CopyAt(Callback):
    """Copies the run's folder, as a kill would leave it with all that TensorBoard was told."""

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.optimizer_steps in KILLS:
            for logger in trainer.loggers:
                logger.experiment.flush()
            run = trainer.run_folder.path
            shutil.copytree(run, run.parent / f"killed-{trainer.optimizer_steps}")


def _fit(root: Path, ckpt_path: Path | None = None, *callbacks: Callback) -> Path:
    keeper = RunCheckpoint(every_n_train_steps=3)
    trainer = tiny_trainer(root, max_epochs=3, log_every_n_steps=2, callbacks=[keeper, *callbacks])
    trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=ckpt_path)
    return trainer.run_folder.path


def _points(run: Path) -> Counter[tuple[str, int]]:
    """Counts tags and steps in all files."""
    records = [
        Event.FromString(record)
        for path in (run / "tensorboard").glob("events.out.tfevents.*")
        for record in RawEventFileLoader(str(path)).Load()
    ]
    return Counter((value.tag, event.step) for event in records for value in event.summary.value)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole run and of copies of it."""
    return _fit(tmp_path_factory.mktemp("boards"), None, CopyAt())


@pytest.mark.parametrize("step", KILLS)
def test_a_resumed_run_has_no_step_twice_and_none_too_few(step: int, runs: Path) -> None:
    killed = runs.parent / f"killed-{step}"
    assert set(_points(killed)) < set(_points(runs))
    _fit(runs.parent, killed)
    assert _points(killed) == _points(runs)


class FailAtOnce(Callback):
    """Ends a fit before its first step."""

    def on_train_batch_start(self, *_: object) -> None:
        raise RuntimeError("a mistake")


def test_a_run_that_fails_before_its_first_step_keeps_every_step(runs: Path) -> None:
    run = runs.parent / "failed"
    shutil.copytree(runs, run)
    before = {path: path.read_bytes() for path in (run / "tensorboard").iterdir()}
    with pytest.raises(RuntimeError, match="a mistake"):
        tiny_trainer(runs.parent, max_epochs=9, callbacks=[FailAtOnce()], run_folder=RunFolder(run)).fit(
            tiny_vgg(), TinyDataModule(), ckpt_path=runs.parent / "killed-9" / "checkpoints" / "last.ckpt"
        )
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_that_begins_again_has_no_step_twice(runs: Path) -> None:
    killed = runs.parent / "killed-at-first"
    shutil.copytree(runs.parent / "killed-4", killed)
    shutil.rmtree(killed / "checkpoints")
    summary = killed / "summary.json"
    summary.write_text(summary.read_text().replace('"finished"', '"running"'))
    _fit(runs.parent, killed)
    assert _points(killed) == _points(runs)


def test_a_save_leaves_nothing_untold(tmp_path: Path) -> None:
    """What is still in memory is lost by a kill."""
    seen: list[set[tuple[str, int]]] = []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            if trainer.optimizer_steps in (3, 6):
                seen.append(set(_points(trainer.run_folder.path)))

    run = _fit(tmp_path, None, Look())
    for step, told in zip((3, 6), seen, strict=True):
        assert told == {point for point in _points(run) if point[1] <= step}


def test_a_file_without_later_steps_stays_as_it_is(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    shutil.copytree(runs / "tensorboard", folder)
    (path,) = folder.glob("events.out.tfevents.*")
    before = path.stat().st_ino, path.read_bytes()
    cut_events(folder, 18)
    assert (path.stat().st_ino, path.read_bytes()) == before
    path.write_bytes(before[1][:-3])  # a kill has cut the last record
    cut_events(folder, 6)
    assert max(step for _, step in _points(tmp_path)) == 6
    cut_events(tmp_path / "nothing", 6)
