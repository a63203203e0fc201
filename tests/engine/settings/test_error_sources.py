"""Errors before the first step: one line that names the option, exit code 2, and nothing left behind."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

from core.errors import InputError, RunFailed
from engine.settings import recorded_config
from engine.settings.error_sources import Stage, input_error, trainer_option_error
from engine.trainer import Trainer
from tests.plain import PlainData, PlainModule
from tests.processes import ROOT
from tests.tiny import TinyDataModule, tiny_vgg

Command = Callable[..., tuple[int, str, str]]


class FailingCallback(pl.Callback):
    """Fails, with an error of any class."""

    def __init__(self, when: str = "on_fit_start") -> None:
        setattr(self, when, self._fail)

    def _fail(self, *_: Any) -> None:
        {}["nothing"]


class FailingDataset(Dataset):
    """Fails when it is read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        raise LookupError("no such sample")


class MakesItsOwn(PlainModule):
    """A module of another package that makes optimizer and schedule itself.

    Args:
        steps: The schedule's length; the run's if not given.
        sparse: Whether its optimizer is for sparse gradients.
        lr: Its learning rate.
    """

    def __init__(self, steps: int | None = None, sparse: bool = False, lr: float = 0.1) -> None:
        super().__init__()
        self.steps, self.sparse, self.lr = steps, sparse, lr

    def configure_optimizers(self) -> dict[str, Any]:
        """Returns both."""
        optimizer = (optim.SparseAdam if self.sparse else optim.SGD)(self.parameters(), self.lr)
        steps = self.steps or self.trainer.estimated_stepping_batches
        schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.1, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class FailingModule(PlainModule):
    """Has a layer that does not take its inputs."""

    def forward(self) -> Any:
        """Fails in a layer."""
        return nn.Linear(3, 1)(torch.zeros(2, 4))

    def fail(self) -> None:
        """Fails itself."""
        self.nothing  # noqa: B018


def _weight() -> nn.Parameter:
    return nn.Parameter(torch.zeros(2))


def _step(schedule: type, **settings: Any) -> None:
    optimizer = optim.SGD([_weight()], 0.1)
    made = schedule(optimizer, **settings)
    optimizer.step()
    made.step()


def _sparse() -> None:
    weight = _weight()
    weight.grad = torch.zeros(2)
    optim.SparseAdam([weight]).step()


SOURCES: list[tuple[Callable[[], Any], str]] = [
    (lambda: optim.Adam([_weight()], fused=True, foreach=True), "--model.optimizer Adam: `fused` and `foreach`"),
    (lambda: optim.SGD([_weight()], lr=-1.0), "--model.optimizer SGD: Invalid learning rate"),
    (_sparse, "--model.optimizer SparseAdam: SparseAdam does not support dense gradients"),
    (lambda: _step(optim.lr_scheduler.StepLR, step_size=0), "--model.lr_scheduler StepLR: ZeroDivisionError"),
    (lambda: FailingCallback()._fail(), "--trainer.callbacks FailingCallback: KeyError: 'nothing'"),
    (lambda: next(iter(DataLoader(FailingDataset()))), "--data FailingDataset: LookupError: no such sample"),
    (lambda: FailingModule()(), "--model: in Linear: mat1 and mat2 shapes cannot be multiplied"),
    (lambda: FailingModule().fail(), "--model FailingModule: AttributeError: 'FailingModule' object has no"),
]


def _error(act: Callable[[], Any]) -> Exception:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(("act", "line"), SOURCES, ids=[line for _, line in SOURCES])
@pytest.mark.parametrize("stage", ["building", "starting"])
def test_an_error_names_the_option_that_its_object_came_from(act: Callable[[], Any], line: str, stage: Stage) -> None:
    refusal = input_error(_error(act), stage)
    assert isinstance(refusal, InputError)
    assert line in str(refusal)
    assert "\n" not in str(refusal)


def test_an_error_names_the_option_of_the_trainer_that_it_speaks_of() -> None:
    error = MisconfigurationException("You requested `limit_train_batches=0.1`, or\n   `val_check_interval` (3)")
    assert str(input_error(error, "starting")).startswith("--trainer.val_check_interval: You requested")
    refusal = trainer_option_error(ValueError("the `devices` with accelerator=cpu"), {"accelerator": 1, "devices": 9})
    assert str(refusal).startswith("--trainer.devices 9: the")


def test_what_a_person_did_not_cause_stays_as_it_is() -> None:
    mistake = _error(lambda: recorded_config.config_file_text(object()))
    own_mistake = _error(lambda: tiny_vgg().losses(None))
    assert type(mistake).__name__ == "RepresenterError"
    assert input_error(own_mistake, "starting") is None  # a fault of the program
    assert input_error(own_mistake, "building") is not None  # of a constructor with a wrong argument
    for error in (RunFailed("diverged"), OSError(28, "disk full")):
        assert input_error(error, "starting") is None
    for stage in ("running", "measuring"):
        assert input_error(RuntimeError("late"), stage) is None
    for folder in ("inspection", "studies"):
        code = compile("{}['nothing']", ROOT / folder / "some.py", "exec")
        assert input_error(_error(partial(exec, code)), "starting") is None
    error = InputError("as it is")
    assert input_error(error, "starting") is error


WRONG = [
    ("--trainer.callbacks pytorch_lightning.callbacks.BackboneFinetuning", "--trainer.callbacks BackboneFinetuning: "),
    ("--trainer.callbacks tests.engine.settings.test_error_sources.FailingCallback "
     "--trainer.callbacks.when on_train_batch_end",
     "--trainer.callbacks FailingCallback: KeyError: 'nothing'"),
    ("--model.optimizer SparseAdam", "--model.optimizer SparseAdam: "),
    ("--model.lr_scheduler torch.optim.lr_scheduler.OneCycleLR --model.lr_scheduler.max_lr 1 "
     "--model.lr_scheduler.total_steps 9", "it ends after 9 steps, and the run makes 18"),
    ("--seed_everything -1", "--seed_everything -1: a number from 0 to 4294967295 is needed"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "answer"), WRONG, ids=[options[-40:] for options, _ in WRONG])
def test_a_command_that_cannot_make_a_step_leaves_nothing(
    options: str, answer: str, config: Path, tmp_path: Path, command: Command
) -> None:
    """They ended as faults of the program, and left a run folder."""
    code, _, errors = command("fit", "--config", config, *options.split())
    assert code == 2, errors
    assert answer in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_an_error_after_the_first_step_leaves_the_run(config: Path, tmp_path: Path, command: Command) -> None:
    late = "tests.engine.settings.test_error_sources.FailingCallback"
    options = ("--trainer.callbacks", late, "--trainer.callbacks.when", "on_validation_start")
    code, _, errors = command("fit", "--config", config, *options)
    assert code == 1, errors
    assert len(list((tmp_path / "runs" / "tiny").iterdir())) == 1


def test_a_notebook_gets_the_error_itself_and_no_folder(tmp_path: Path) -> None:
    trainer = Trainer(accelerator="cpu", max_epochs=1, callbacks=FailingCallback("on_train_batch_start"))
    with pytest.raises(KeyError):
        trainer.fit(PlainModule(), PlainData())
    assert not list(tmp_path.iterdir())


def test_a_schedule_that_ends_before_the_run_is_refused_on_resume_too(tmp_path: Path) -> None:
    """The run failed at the schedule's last step."""
    settings: dict[str, Any] = {"accelerator": "cpu", "logger": False, "default_root_dir": tmp_path}
    model = tiny_vgg(lr_scheduler=lambda optimizer: optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=6))
    trainer = Trainer(max_epochs=1, **settings)
    trainer.fit(model, TinyDataModule())
    last = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    with pytest.raises(InputError, match="OneCycleLR: it ends after 6 steps, and the run makes 12"):
        Trainer(max_epochs=2, **settings).fit(model, TinyDataModule(), ckpt_path=last)


def test_options_are_named_only_where_a_model_has_them(tmp_path: Path) -> None:
    """A schedule that another package's module makes was blamed on an option that the module does not have."""
    settings: dict[str, Any] = {"accelerator": "cpu", "logger": False, "default_root_dir": tmp_path}

    def refusal(epochs: int, ckpt_path: Path | None = None, **arguments: Any) -> str:
        with pytest.raises(InputError) as refused:
            Trainer(max_epochs=epochs, **settings).fit(MakesItsOwn(**arguments), PlainData(), ckpt_path=ckpt_path)
        return str(refused.value)

    trainer = Trainer(max_epochs=1, **settings)
    trainer.fit(MakesItsOwn(), PlainData())
    resumed = refusal(2, trainer.run_folder.path / "checkpoints" / "last.ckpt")
    assert resumed.startswith("MakesItsOwn's OneCycleLR: it ends after 5 steps, and the run makes 10; its checkpoint ")
    assert "trainer.estimated_stepping_batches" in refusal(1, steps=2)
    assert refusal(1, sparse=True).startswith("MakesItsOwn's SparseAdam: ")
    error = _error(lambda: MakesItsOwn(lr=-1.0).configure_optimizers())
    assert str(input_error(error, "starting")).startswith("--model MakesItsOwn: Invalid learning rate")
