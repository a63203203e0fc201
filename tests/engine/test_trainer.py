"""Three lines in a notebook, with the same guarantees as the command."""

import contextlib
import json
import math
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback

from core.errors import InputError
from engine import trainer as trainer_module
from engine.runs.checkpoint_io import AtomicCheckpointIO, load_checkpoint
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def test_three_lines_leave_a_whole_run(tmp_path: Path) -> None:
    trainer = Trainer(max_epochs=1, accelerator="cpu")
    trainer.fit(tiny_vgg(), TinyDataModule())
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    assert trainer.run_folder.path == run
    assert {path.name for path in run.iterdir()} - {".lock"} == {
        "checkpoints", "config.yaml", "curves.png", "inputs.png", "metrics.csv", "summary.json",
        "tensorboard",
    }  # fmt: skip
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}
    assert json.loads((run / "summary.json").read_text())["status"] == "finished"


def test_a_saved_model_comes_back_by_itself(tmp_path: Path) -> None:
    model = tiny_vgg()
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    trainer.fit(model, TinyDataModule())
    again = type(model).load_from_checkpoint(trainer.run_folder.path / "checkpoints" / "last.ckpt")
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(again.eval()(images), model.eval()(images))


def test_two_fits_in_one_second_get_two_folders(tmp_path: Path) -> None:
    trainers = [tiny_trainer(tmp_path, max_epochs=1, logger=False) for _ in range(2)]
    for trainer in trainers:
        trainer.fit(tiny_vgg(), TinyDataModule())
    folders = {trainer.run_folder.path for trainer in trainers}
    assert len(folders) == 2
    assert all((folder / "checkpoints" / "last.ckpt").exists() for folder in folders)


def test_nothing_is_written_but_by_a_fit(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path)
    trainer.test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert 0 <= trainer.callback_metrics["test/acc"] <= 1
    assert not list(tmp_path.iterdir())


def test_checkpoints_can_be_switched_off(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, enable_checkpointing=False, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert not (trainer.run_folder.path / "checkpoints").exists()
    assert (trainer.run_folder.path / "metrics.csv").exists()


def test_a_trial_run_keeps_no_checkpoint(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, fast_dev_run=True, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.parametrize(("chosen", "precision"), [("bf16-mixed", "bf16-mixed"), ("32-true", "32-true")])
def test_auto_takes_what_the_hardware_does_best(
    chosen: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "choose_precision", lambda device: chosen)
    assert tiny_trainer(tmp_path, precision="auto").precision == precision
    assert tiny_trainer(tmp_path, precision="32-true").precision == "32-true"


def test_bfloat16_trains_float32_weights(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, precision="bf16-mixed", logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    last = load_checkpoint(trainer.run_folder.path / "checkpoints" / "last.ckpt")
    assert last["state_dict"]["stages.0.0.weight"].dtype == torch.float32
    assert json.loads((trainer.run_folder.path / "summary.json").read_text())["precision"] == "bf16-mixed"


def test_a_gpu_that_is_not_there_is_wrong_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match="has no GPU"):
        tiny_trainer(tmp_path, accelerator="gpu")


def test_checkpoints_go_through_our_own_writer(tmp_path: Path) -> None:
    assert isinstance(tiny_trainer(tmp_path).strategy.checkpoint_io, AtomicCheckpointIO)


@pytest.mark.parametrize(("logger", "boards"), [(None, True), (True, True), (False, False)])
def test_tensorboard_unless_it_is_switched_off(logger: bool | None, boards: bool, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=logger)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert (trainer.run_folder.path / "tensorboard").exists() == boards


class Points(pl.loggers.CSVLogger):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("unused")
        self.points: list[tuple[int | None, set[str]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.points.append((step, set(metrics)))

    def save(self) -> None:
        pass


def test_loggers_get_points_within_an_epoch_and_its_metrics(tmp_path: Path) -> None:
    logger = Points()
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=logger, log_every_n_steps=2)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert [step for step, names in logger.points if "train/loss_step" in names] == [2, 4, 6]
    for measures in ({"val/acc", "val/loss"}, {"train/acc", "train/loss"}):
        assert [step for step, names in logger.points if measures <= names] == [6]


def test_a_folder_and_a_name_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, run_folder=RunFolder(tmp_path / "mine"))
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert (tmp_path / "mine" / "summary.json").exists()
    named = tiny_trainer(tmp_path, max_epochs=1, logger=False, run_name="lenet")
    named.fit(tiny_vgg(), TinyDataModule())
    assert named.run_folder.path.parent == tmp_path / "runs" / "lenet"


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        ({"max_epochs": 5, "max_steps": 100}, 100),
        ({"max_steps": 100}, 100),
        ({"max_epochs": 5}, math.inf),
    ],
)
def test_data_without_a_length_has_the_length_of_the_limit(
    limits: dict[str, int], length: float, tmp_path: Path
) -> None:
    class Look(Callback):
        def on_train_start(self, trainer: Trainer, *_: object) -> None:
            lengths.append(trainer.estimated_stepping_batches)
            trainer.should_stop = True

    lengths: list[float] = []
    settings = {"default_root_dir": tmp_path, "accelerator": "cpu", "limit_val_batches": 0, "logger": False}
    Trainer(**settings, **limits, callbacks=[Look()]).fit(PlainModule(), PlainData(endless=True))
    assert lengths == [length]


class StopsAtOnce(pl.Callback):
    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        trainer.should_stop = True


@pytest.mark.parametrize(("length", "epochs"), [({}, 1000), ({"max_steps": 9}, -1), ({"max_time": "00:01:00:00"}, -1)])
def test_a_run_whose_length_nobody_states_has_as_many_epochs_as_the_help_says(
    length: dict[str, object], epochs: int, tmp_path: Path
) -> None:
    trainer = tiny_trainer(tmp_path, **{"max_epochs": None} | length, callbacks=StopsAtOnce())
    trainer.fit(tiny_vgg(), TinyDataModule(batch_size=20))
    assert trainer.max_epochs == epochs
    said = " ".join((Trainer.__doc__ or "").split())
    assert "1,000 if neither this nor max_steps or max_time is given" in said


class Listens(Callback):
    """Notes at the end of each epoch whether another process can take the run's folder."""

    def __init__(self) -> None:
        self.heard: list[bool] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        """Tries to take it."""
        other = RunFolder(trainer.run_folder.path)
        with contextlib.suppress(InputError):
            other.hold()
        self.heard.append(other.is_held)
        other.release()


@pytest.mark.parametrize("ckpt_path", [None, "last"])
def test_a_second_fit_holds_the_run_as_long_as_it_lasts(ckpt_path: str | None, tmp_path: Path) -> None:
    listens = Listens()
    trainer, model, data = tiny_trainer(tmp_path, max_epochs=1, callbacks=[listens]), tiny_vgg(), TinyDataModule()
    trainer.fit(model, data)
    trainer.fit_loop.max_epochs = 3
    trainer.fit(model, data, ckpt_path=ckpt_path)
    assert listens.heard == [False] * 3
    assert not trainer.run_folder.is_held
    other = RunFolder(trainer.run_folder.path).hold()
    trainer.fit_loop.max_epochs = 4
    for _ in range(2):
        with pytest.raises(InputError, match="in use by another process"):
            trainer.fit(model, data, ckpt_path=ckpt_path)
    other.release()
    trainer.fit(model, data, ckpt_path=ckpt_path)
    assert listens.heard == [False] * 4


def test_a_folder_that_was_held_before_a_fit_stays_so(tmp_path: Path) -> None:
    """The command writes into it after its fit."""
    folder = RunFolder.create(tmp_path, "vgg")
    tiny_trainer(tmp_path, max_epochs=1, run_folder=folder).fit(tiny_vgg(), TinyDataModule())
    assert folder.is_held
    folder.release()
