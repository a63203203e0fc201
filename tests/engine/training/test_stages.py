"""Calls as in a notebook: which weights they take, what they say, and how they end."""

import math
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback

from callbacks import EarlyStopping, Progress, Views
from core.errors import InputError, Interrupted, RunFailed, RunInterrupted
from core.summary import read_summary
from datamodules.images.augmentation import Augmentation
from engine.trainer import Trainer
from lightning_modules import VGG
from tests.interruptions import PulledPlug, PullPlug
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

AUGMENTATION = Augmentation(
    flip="random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2)
)  # TINY_CONFIG's
Command = Callable[..., tuple[int, str, str]]
Fitted = tuple[Trainer, VGG, TinyDataModule]
CALLS: dict[str, Callable[..., object]] = {
    "validate": lambda trainer, *given, **named: trainer.validate(*given, verbose=False, **named),
    "test": lambda trainer, *given, **named: trainer.test(*given, verbose=False, **named),
    "predict": lambda trainer, *given, **named: trainer.predict(*given, **named),
}


class FinitePlainData(PlainData):
    """Data of another package, without arguments."""

    def __init__(self) -> None:
        super().__init__()


class BestIsFirst(Callback):
    """Makes an epoch's weights worse than the first epoch's."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: VGG) -> None:
        """Spoils the weights."""
        if trainer.current_epoch:
            with torch.no_grad():
                for parameter in pl_module.parameters():
                    parameter.mul_(0).add_(0.01)


@pytest.fixture
def fitted(tmp_path: Path) -> Fitted:
    """A run of three epochs whose first is the best."""
    trainer, model, data = tiny_trainer(tmp_path, max_epochs=3, callbacks=[BestIsFirst()]), tiny_vgg(), TinyDataModule()
    trainer.fit(model, data)
    assert trainer.checkpoint_callback.best_epoch == 0
    return trainer, model, data


def weights(trainer: Trainer, name: str) -> dict[str, torch.Tensor]:
    """Returns the weights in a checkpoint of a trainer's run."""
    return torch.load(trainer.run_folder.path / "checkpoints" / name, weights_only=True)["state_dict"]


def has(model: VGG, state: dict[str, torch.Tensor]) -> bool:
    """Returns whether a model has these weights."""
    return all(torch.equal(value, state[name]) for name, value in model.state_dict().items() if "_metrics." not in name)


@pytest.mark.parametrize("call", CALLS)
def test_every_measurement_takes_the_best_checkpoint_and_says_so(
    call: str, fitted: Fitted, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, model, data = fitted
    measure, run = CALLS[call], trainer.run_folder.path
    best, last = weights(trainer, "best.ckpt"), weights(trainer, "last.ckpt")
    for given, expected, said in (
        (None, best, "best.ckpt, of epoch 0"),
        ("last", last, "last.ckpt, of epoch 2"),
        ("best", best, "best.ckpt, of epoch 0"),
        (run / "checkpoints" / "last.ckpt", last, ""),
        (str(run), best, "best.ckpt, of epoch 0"),
    ):
        capsys.readouterr()
        measure(trainer, model, data, ckpt_path=given)
        assert has(model, expected), given
        assert capsys.readouterr().out.partition("weights  ")[2].partition("\n")[0] == said
    measure(trainer, datamodule=data, ckpt_path="last")
    measure(trainer, datamodule=data)
    assert has(model, best)


def test_other_models_are_measured_as_they_are(fitted: Fitted) -> None:
    trainer, model, data = fitted
    other = tiny_vgg()
    before = {name: value.clone() for name, value in other.state_dict().items()}
    trainer.test(other, data, verbose=False)
    assert has(other, before)
    fresh = tiny_trainer(trainer.run_folder.path)
    fresh.test(model, data, verbose=False)
    assert has(model, weights(trainer, "last.ckpt"))  # this trainer has trained nothing
    fresh.test(model, data, ckpt_path=trainer.run_folder.path, verbose=False)
    assert has(model, weights(trainer, "best.ckpt"))


@pytest.mark.parametrize(("call", "block"), [("test", "tests"), ("validate", "validations")])
def test_a_fresh_trainer_adds_its_figures_to_the_run_it_measures(call: str, block: str, fitted: Fitted) -> None:
    run = fitted[0].run_folder.path
    before = read_summary(run / "summary.json")
    for named in (run, run / "checkpoints" / "last.ckpt"):
        fresh = Trainer(accelerator="cpu", enable_progress_bar=False)
        CALLS[call](fresh, tiny_vgg(), TinyDataModule(), ckpt_path=named)
        assert fresh.run_folder is None, "a later fit of it makes a run of its own"
    after = read_summary(run / "summary.json")
    assert [(entry["checkpoint"], entry["epoch"]) for entry in after[block]] == [("best.ckpt", 0), ("last.ckpt", 2)]
    assert {**after, block: []} == before


@pytest.mark.parametrize("call", ["test", "validate"])
def test_a_damaged_record_loses_no_measurement(call: str, fitted: Fitted, capsys: pytest.CaptureFixture[str]) -> None:
    run = fitted[0].run_folder.path
    (run / "summary.json").write_text('{"status": "fin')
    fresh = Trainer(accelerator="cpu", enable_progress_bar=False)
    (figures,) = CALLS[call](fresh, tiny_vgg(), TinyDataModule(), ckpt_path=run)
    assert "set aside as summary.damaged.json" in capsys.readouterr().out
    (entry,) = read_summary(run / "summary.json")["tests" if call == "test" else "validations"]
    assert entry["metrics"] == pytest.approx(figures)


def test_a_run_of_the_command_can_be_measured_in_a_notebook(config: Path, command: Command) -> None:
    command("fit", "--config", config, "--trainer.max_epochs", 1, "--run_dir", "run", "--trainer.gradient_clip_val", 1)
    fresh = Trainer(accelerator="cpu", enable_progress_bar=False)
    (figures,) = fresh.test(tiny_vgg(), TinyDataModule(augmentation=AUGMENTATION), ckpt_path="run", verbose=False)
    (entry,) = read_summary(Path("run/summary.json"))["tests"]
    assert (entry["checkpoint"], entry["metrics"]) == ("best.ckpt", pytest.approx(figures))


@pytest.mark.parametrize("loaders", [True, False])
def test_loaders_may_be_of_other_data_than_the_run_s(
    loaders: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, trainer = FinitePlainData(), tiny_trainer(tmp_path, max_epochs=1)
    trainer.fit(PlainModule(), data)
    given = {"dataloaders": data.test_dataloader()} if loaders else {"datamodule": FinitePlainData()}
    tiny_trainer(tmp_path).test(PlainModule(), **given, ckpt_path=trainer.run_folder.path, verbose=False)
    assert len(read_summary(trainer.run_folder.path / "summary.json")["tests"]) == (0 if loaders else 1)
    said = re.findall("note     not recorded in .*", capsys.readouterr().out)
    assert [line.partition(", which ")[2] for line in said] == ["is of a data module, not of loaders"] * loaders


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("model", "has another model.dropout"),
        ("data", "has another data.val_size"),
        ("views", "has another views.flip"),
        ("batches", "has another trainer.limit_test_batches"),
        ("broken", "has no config to compare with: "),
        ("predict", ""),
    ],
)
def test_what_is_no_measurement_of_the_run_is_not_in_its_record(
    other: str, why: str, fitted: Fitted, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fitted[0].run_folder.path
    if other == "broken":
        (run / "config.yaml").write_text("model: [")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    options = {"views": {"callbacks": [Views(flip=True)]}, "batches": {"limit_test_batches": 1}}.get(other, {})
    fresh = Trainer(accelerator="cpu", enable_progress_bar=False, **options)
    model = tiny_vgg(dropout=0.3) if other == "model" else tiny_vgg()
    data = TinyDataModule(**({"val_size": 20} if other == "data" else {}))
    CALLS["predict" if other == "predict" else "test"](fresh, model, data, ckpt_path=run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    said = re.findall("note     not recorded in .*", capsys.readouterr().out)
    assert [why in line.partition(", which ")[2] for line in said] == [True] * bool(why)


@pytest.mark.parametrize("given", ["best", "last", "nothing"])
@pytest.mark.parametrize("call", [*CALLS, "fit"])
def test_a_checkpoint_that_is_not_there_is_one_line(call: str, given: str, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path)
    fit = lambda trainer, *things, **named: trainer.fit(*things, **named)  # noqa: E731
    with pytest.raises(
        InputError, match="no such run folder or checkpoint" if given == "nothing" else "trained no run"
    ):
        (CALLS | {"fit": fit})[call](trainer, tiny_vgg(), TinyDataModule(), ckpt_path=given)
    assert not list(tmp_path.iterdir())


def test_a_run_goes_on_in_its_folder(fitted: Fitted, capsys: pytest.CaptureFixture[str]) -> None:
    trainer, _, data = fitted
    run = trainer.run_folder.path
    longer = tiny_trainer(run.parent, max_epochs=4)
    longer.fit(tiny_vgg(), data, ckpt_path=str(run))
    assert longer.run_folder.path == run
    assert len((run / "metrics.csv").read_text().splitlines()) == 1 + 4
    assert not (run / ".lock").exists()
    assert [path.name for path in run.parent.iterdir()] == [run.name]
    capsys.readouterr()
    tiny_trainer(run.parent, max_epochs=4).fit(tiny_vgg(), data, ckpt_path=run)
    assert "nothing is left to do: 4 epochs are trained" in capsys.readouterr().out


def test_a_second_fit_says_why_nothing_happens(fitted: Fitted, capsys: pytest.CaptureFixture[str]) -> None:
    trainer, model, data = fitted
    assert "nothing is left" not in capsys.readouterr().out
    trainer.fit(model, data)
    said = capsys.readouterr().out
    assert said.startswith("nothing is left to do: 3 epochs are trained")
    assert said.count("\n") == 1


@pytest.mark.parametrize("refused", [False, True])
def test_a_second_fit_that_trains_nothing_makes_its_model_not_that_of_the_run(
    refused: bool, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, _, data = fitted
    other = tiny_vgg()
    before = {name: value.clone() for name, value in other.state_dict().items()}
    if refused:
        monkeypatch.setattr("engine.training.stages.check_contents", Mock(side_effect=InputError("unreadable")))
    with pytest.raises(InputError, match="unreadable") if refused else nullcontext():
        trainer.fit(other, data)
    if trainer.run_folder is not None:
        trainer.test(other, data, verbose=False)
        assert has(other, before)
        assert read_summary(trainer.run_folder.path / "summary.json")["tests"] == []


def test_a_second_fit_of_a_run_that_has_stopped_says_what_would_take_it_further(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patience = EarlyStopping(patience=1)
    for settings, limit in (
        ({"max_epochs": 9, "callbacks": [BestIsFirst(), patience]}, "larger patience"),
        ({"max_steps": 3}, "larger max_steps"),
    ):
        trainer, model, data = tiny_trainer(tmp_path, **settings), tiny_vgg(), TinyDataModule()
        trainer.fit(model, data)
        capsys.readouterr()
        steps = trainer.optimizer_steps
        trainer.fit(model, data)
        assert limit in capsys.readouterr().out
        assert trainer.optimizer_steps == steps


class Press(Callback):
    """Presses Ctrl-C at the third step, or before the first batch of a test."""

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Presses it."""
        if trainer.global_step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    def on_test_batch_start(self, *_: object) -> None:
        """Presses it."""
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """Ctrl-C as a notebook has it, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupt_says_how_to_go_on_in_one_line(tmp_path: Path) -> None:
    trainer, data = tiny_trainer(tmp_path, callbacks=[Press()]), TinyDataModule()
    with pytest.raises(RunInterrupted) as end:
        trainer.fit(tiny_vgg(), data)
    run = trainer.run_folder.path
    (line,) = end.value._render_traceback_()
    assert f"interrupted at step 3; a new Trainer goes on with fit(..., ckpt_path='{run}')" in line
    again = tiny_trainer(tmp_path)
    again.fit(tiny_vgg(), data, ckpt_path=str(run))
    assert again.optimizer_steps == 12


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupted_test_leaves_the_next_interrupt_its_effect(tmp_path: Path) -> None:
    with pytest.raises(Interrupted) as end:
        tiny_trainer(tmp_path, callbacks=[Press()]).test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert len(end.value._render_traceback_()) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("error", [InputError("a"), RunFailed("a"), RunInterrupted(2), Interrupted("a")])
def test_what_is_said_in_one_line_has_no_traceback_in_a_notebook(error: BaseException) -> None:
    (line,) = error._render_traceback_()
    assert line.endswith(str(error))


def test_a_run_that_crashed_goes_on(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=[PullPlug(8)])
    with pytest.raises(PulledPlug):
        trainer.fit(tiny_vgg(), TinyDataModule())
    again = tiny_trainer(tmp_path)
    again.fit(tiny_vgg(), TinyDataModule(), ckpt_path=trainer.run_folder.path)
    assert again.optimizer_steps == 12


@pytest.mark.parametrize("model", [tiny_vgg, PlainModule])
def test_no_warning_of_a_library_is_shown(
    model: Callable[[], pl.LightningModule], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        trainer = Trainer(accelerator="cpu", max_epochs=1, default_root_dir=tmp_path)
        network, data = model(), TinyDataModule() if model is tiny_vgg else PlainData()
        trainer.fit(network, data)
        trainer.fit(network, data)
        for call in ("validate", "test"):
            CALLS[call](trainer, network, data)
        trainer.fit(network, data.train_dataloader())
    assert [str(one.message) for one in shown] == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("bar", [True, False])
def test_a_notebook_has_a_progress_bar(
    bar: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = SimpleNamespace(IPKernelApp=SimpleNamespace(initialized=lambda: True))
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", kernel)
    monkeypatch.setattr("callbacks.progress.REFRESH", -math.inf)
    trainer = tiny_trainer(tmp_path, max_epochs=1, enable_progress_bar=bar, callbacks=[])
    assert trainer.builtin(Progress).bar is bar
    trainer.fit(tiny_vgg(), TinyDataModule())
    captured = capsys.readouterr()
    assert ("epoch   0 " in captured.err and "/6" in captured.err) is bar
