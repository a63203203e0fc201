"""A run that stops before its length has nothing left to do, until a limit is raised: then it goes on where it was."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from pytorch_lightning.callbacks import Timer
from pytorch_lightning.cli import ReduceLROnPlateau

from callbacks import EarlyStopping, FitMedia, Record
from callbacks.stops import Stop
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from tests.bits import assert_same_bits, figures_of
from tests.interruptions import PulledPlug
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

STEP = [0]  # optimizer steps of the present run, which stand for seconds


class StopAt(Callback):
    """Asks the run to stop after a step, as anybody's callback may, and keeps the time."""

    def __init__(self, step: int | None = None) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
        STEP[0] = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            trainer.should_stop = True


@pytest.fixture(autouse=True)
def _steps_are_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    STEP[0] = 0
    monkeypatch.setattr(Timer, "time_elapsed", lambda timer, *_: STEP[0])


HALVES = {"val_check_interval": 0.5}
HOPELESS = {"monitor": "val/loss", "mode": "min", "min_delta": 100.0}
# Settings of a run of three epochs of six steps, its callbacks, what stops it, and what lets it go on.
NO_HALVES: dict[str, Any] = {}
STOPS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "steps": (NO_HALVES, {"max_steps": 8}, {"max_steps": 18}),
    "steps, at a validation": (HALVES, {"max_steps": 9}, {"max_steps": 18}),
    "steps, at an epoch's end": (NO_HALVES, {"max_steps": 12}, {"max_steps": 18}),
    "time": (NO_HALVES, {"max_time": {"seconds": 7}}, {"max_time": {"seconds": 1000}}),
    "time, at a validation": (HALVES, {"max_time": {"seconds": 8}}, {"max_time": {"seconds": 1000}}),
    "a callback": (NO_HALVES, {"callbacks": [StopAt(8)], "max_epochs": 2}, {"max_epochs": 3}),
    "patience": (
        NO_HALVES,
        {"callbacks": [EarlyStopping(1, **HOPELESS)]},
        {"callbacks": [EarlyStopping(50, **HOPELESS)]},
    ),
    "patience, within an epoch": (
        HALVES,
        {"callbacks": [EarlyStopping(2, **HOPELESS)]},
        {"callbacks": [EarlyStopping(50, **HOPELESS)]},
    ),
    "patience, whose run is longer": (
        NO_HALVES,
        {"callbacks": [EarlyStopping(1, **HOPELESS)], "max_epochs": 2},
        {"callbacks": [EarlyStopping(50, **HOPELESS)]},
    ),
}
SLOW = partial(ReduceLROnPlateau, monitor="val/loss", patience=0, threshold=10.0)  # steps at each validated epoch


def _train(folder: Path, *layers: dict[str, Any], ckpt_path: Path | None = None) -> Trainer:
    folder.mkdir(exist_ok=True)
    settings: dict[str, Any] = {"max_epochs": 3, "run_folder": RunFolder(folder), "logger": False}
    for layer in layers:
        settings |= layer
    callbacks = [*settings.pop("callbacks", [])]
    if not any(isinstance(callback, EarlyStopping) for callback in callbacks):
        callbacks.append(EarlyStopping(60, **HOPELESS))
    STEP[0] = 0
    trainer = tiny_trainer(folder, callbacks=[*callbacks, StopAt()], **settings)
    trainer.fit(tiny_vgg(lr_scheduler=SLOW), TinyDataModule(), ckpt_path=ckpt_path)
    return trainer


def _content(folder: Path) -> dict[str, Any]:
    last = load_checkpoint(folder / "checkpoints" / "last.ckpt")
    stopping = next(state for key, state in last["callbacks"].items() if key.startswith("EarlyStopping"))
    content = {key: last[key] for key in ("state_dict", "optimizer_states", "lr_schedulers", "epoch_validation")}
    content["waited"] = stopping["wait_count"]
    return content | {"metrics.csv": figures_of(folder / "metrics.csv")}


def _status(folder: Path) -> str:
    return json.loads((folder / "summary.json").read_text())["status"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Trains without a stop, once for each kind of validation."""
    made: dict[int, dict[str, Any]] = {}

    def get(settings: dict[str, Any]) -> dict[str, Any]:
        if id(settings) not in made:
            folder = tmp_path_factory.mktemp("whole")
            _train(folder, settings)
            made[id(settings)] = _content(folder)
        return made[id(settings)]

    return get


@pytest.mark.parametrize("kind", STOPS)
def test_a_stop_is_kept_until_a_limit_is_raised(
    kind: str, whole: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """An early-stopped run trained on at each resume; a stop within an epoch dropped the rest of it."""
    settings, stop, more = STOPS[kind]
    run, last = tmp_path / "run", tmp_path / "run" / "checkpoints" / "last.ckpt"
    _train(run, settings, stop)
    ended, status = _content(run), _status(run)
    assert load_checkpoint(last)["global_step"] < 18

    again = _train(run, settings, stop, ckpt_path=last)
    assert not again.has_begun
    assert_same_bits(_content(run), ended)
    assert _status(run) == status

    _train(run, settings, more, ckpt_path=last)
    assert _status(run) == "finished"
    assert_same_bits(_content(run), whole(settings))


def _pulling(*_: object) -> None:
    raise PulledPlug


@pytest.mark.parametrize(
    ("stop", "status", "hook"),
    [
        ({}, "finished", (Record, "on_train_end")),
        ({}, "finished", (FitMedia, "on_train_end")),
        ({"max_steps": 8}, "finished", (FitMedia, "on_train_end")),
        ({"max_time": {"seconds": 7}}, "out_of_time", (FitMedia, "on_train_end")),
        ({"callbacks": [StopAt(8)]}, "stopped", (FitMedia, "on_train_end")),
        ({"callbacks": [EarlyStopping(1, **HOPELESS)]}, "stopped_early", (FitMedia, "on_train_end")),
    ],
    ids=["length, at the record", "length, at the media", "steps", "time", "callback", "patience"],
)
def test_a_run_killed_after_its_last_save_is_ended_by_whoever_comes_next(
    stop: dict[str, Any],
    status: str,
    hook: tuple[type[Callback], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It never got its status, nor its curves."""
    run, last = tmp_path / "run", tmp_path / "run" / "checkpoints" / "last.ckpt"
    with monkeypatch.context() as patch:
        patch.setattr(*hook, _pulling)
        with pytest.raises(PulledPlug):
            _train(run, stop)
    kept = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(kept | {"status": "running", "ended": None}))  # as a kill leaves it
    assert not (run / "curves.png").exists()
    before = _content(run)

    _train(run, stop, ckpt_path=last)
    assert _status(run) == status
    assert json.loads((run / "summary.json").read_text())["samples_per_second"] == kept["samples_per_second"] > 0
    assert (run / "curves.png").exists()
    assert_same_bits(_content(run), before)


def test_a_checkpoint_of_an_earlier_release_holds_the_stop_by_its_patience(tmp_path: Path) -> None:
    run, last = tmp_path / "run", tmp_path / "run" / "checkpoints" / "last.ckpt"
    stop, more = {"callbacks": [EarlyStopping(1, **HOPELESS)]}, {"callbacks": [EarlyStopping(2, **HOPELESS)]}
    _train(run, stop)
    checkpoint = load_checkpoint(last)
    del checkpoint["stop"]
    torch.save(checkpoint, last)
    again = _train(run, stop, ckpt_path=last)
    assert not again.has_begun
    assert again.checkpoint_callback.stop(again).reason == "val/loss has not improved in 1 validation"
    assert _train(run, more, ckpt_path=last).current_epoch == 3


@pytest.mark.parametrize(
    ("then", "now", "holds"),
    [(5, 5, True), (5, 4, True), (5, 6, False), (5, None, False), (None, 5, True), (None, None, True)],
)
def test_a_limit_that_is_raised_or_lifted_ends_a_stop(then: int | None, now: int | None, holds: bool) -> None:
    assert Stop("callback", "", {"epochs": then}).holds({"epochs": now, "patience": None}) == holds


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (
            ("--trainer.callbacks", "tests.callbacks.test_stops.StopAt", "--trainer.max_time", "00:00:00:02"),
            "done (max time: 0:00:02 of training are over): best",
        ),
        (
            ("--early_stopping.patience", "1", "--early_stopping.min_delta", "5"),
            "done (early stopping: val/acc has not improved in 1 validation): best",
        ),
        (
            ("--trainer.check_val_every_n_epoch", "5"),
            "done: no validation with finite figures, so the last epoch",
        ),
        (("--trainer.enable_checkpointing", "false"), "done; no checkpoint was kept"),
        (("--trainer.fast_dev_run", "2"), "done: the trial has come through, and nothing of it is kept"),
    ],
    ids=["time", "patience", "validation that never came", "no checkpoints", "trial"],
)
def test_the_last_line_says_why(
    flags: tuple[str, ...], reason: str, config: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, output, errors = command("fit", "--config", config, "--run_dir", "run", *flags)
    assert code == 0, errors
    assert reason in output


def test_what_would_take_a_stopped_run_further_is_said(
    finished_run: Callable[..., Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    run = finished_run("run", "--early_stopping.patience", 1, "--early_stopping.min_delta", 5)
    code, output, errors = command("fit", "--ckpt_path", run)
    assert code == 0, errors
    assert "nothing is left to do (early stopping: val/acc has not improved in 1 validation)" in output
    assert "a larger --early_stopping.patience" in output


def test_early_stopping_of_lightnings_keeps_the_patience_that_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its patience came from the checkpoint, so that the run had nothing left to do."""

    def train(name: str, patience: int, ckpt_path: Path | None = None) -> tuple[Trainer, LightningEarlyStopping]:
        early = LightningEarlyStopping("val/loss", min_delta=100.0, patience=patience)
        settings = {"callbacks": [early, EarlyStopping()], "max_epochs": 9}
        return _train(tmp_path / name, settings, ckpt_path=ckpt_path), early

    train("whole", 3)
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    train("run", 1)
    assert _status(tmp_path / "run") == "stopped_early"
    capsys.readouterr()
    trainer, early = train("run", 1, last)
    assert not trainer.has_begun
    said = capsys.readouterr().out
    assert (
        "nothing is left to do: val/loss has not improved in 1 validation; a new Trainer with a larger patience" in said
    )
    _, early = train("run", 3, last)
    assert (early.patience, early.wait_count) == (3, 3)
    assert _status(tmp_path / "run") == "stopped_early"
    assert_same_bits(_content(tmp_path / "run"), _content(tmp_path / "whole"))


def test_other_reasons_of_lightnings_early_stopping_are_said(tmp_path: Path) -> None:
    early = LightningEarlyStopping("val/loss", stopping_threshold=1e9)
    trainer = _train(tmp_path / "run", {"callbacks": [early, EarlyStopping()]})
    stop = trainer.checkpoint_callback.stop(trainer)
    assert stop.by == "early_stopping"
    assert stop.reason.startswith("Stopping threshold reached: val/loss = ")
    assert stop.reason.endswith("< 1000000000.0")


def test_a_command_says_how_a_run_goes_on_that_lightnings_early_stopping_ended(
    config: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    early = {"monitor": "val/loss", "min_delta": 100.0, "patience": 1}
    callback = {"class_path": "pytorch_lightning.callbacks.EarlyStopping", "init_args": early}
    words = ("--trainer.callbacks", json.dumps([callback]), "--trainer.max_epochs", 4, "--run_dir", "run")
    code, output, errors = command("fit", "--config", config, *words)
    assert code == 0, errors
    assert "done (early stopping: val/loss has not improved in 1 validation)" in output
    code, output, errors = command("fit", "--ckpt_path", "run")
    assert code == 0, errors
    assert "in 1 validation); a larger --trainer.max_epochs takes the run further" in output
