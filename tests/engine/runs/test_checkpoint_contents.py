"""Every checkpoint that is kept can be read again, whatever a model, data module or callback adds to it."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback
from torch import nn

from core.errors import InputError
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

# Lightning's own remark on hyperparameters that are modules
pytestmark = pytest.mark.filterwarnings("ignore:Attribute '.*' is an instance of `nn.Module`")


class Keeps(PlainModule):
    """A module with any hyperparameters."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.save_hyperparameters(Namespace(**given))


class DataKeeps(PlainData):
    """Data with a hyperparameter that is an object."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters({"transform": nn.Flatten(), "size": 3})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"a": 1, "b": [1.5, "x", None]}, {"a": 1, "b": [1.5, "x", None]}),
        ({"root": Path("data"), "deep": {"list": [Path("a")]}}, {"root": "data", "deep": {"list": ["a"]}}),
        ({"a": 1, "criterion": nn.CrossEntropyLoss()}, {"a": 1}),
        ({"a": 1, "kind": nn.Linear}, {"a": 1}),
    ],
    ids=["plain", "paths", "a module", "a class"],
)
def test_hyperparameters_are_plain(
    given: dict[str, Any], kept: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1)
    trainer.fit(Keeps(**given), PlainData())
    (last,) = tmp_path.rglob("last.ckpt")
    assert torch.load(last, weights_only=True)["hyper_parameters"] == kept
    said = capsys.readouterr().out
    for name in given.keys() - kept.keys():
        assert f"checkpoints leave out {name} of Keeps's hyperparameters" in said
    assert ("leave out" in said) == (given.keys() != kept.keys())
    trainer = tiny_trainer(tmp_path, max_epochs=2)
    trainer.fit(Keeps(**given), PlainData(), ckpt_path=last)
    assert trainer.optimizer_steps == 10


def test_hyperparameters_of_data_are_plain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_trainer(tmp_path, max_epochs=1).fit(PlainModule(), DataKeeps())
    (last,) = tmp_path.rglob("last.ckpt")
    assert torch.load(last, weights_only=True)["datamodule_hyper_parameters"] == {"size": 3}
    assert "checkpoints leave out transform of DataKeeps's hyperparameters" in capsys.readouterr().out


class Adds(PlainModule):
    """A module that adds something to its checkpoints.

    Args:
        what: The addition.
    """

    def __init__(self, what: Any) -> None:
        super().__init__()
        self.what = what

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds it."""
        checkpoint["addition"] = self.what


UNREADABLE = {"a path": Path("x"), "a class": nn.Linear, "a set of objects": {Path("x")}, "a function": lambda x: x}


@pytest.mark.parametrize("what", UNREADABLE.values(), ids=UNREADABLE)
def test_what_a_module_adds_is_refused_before_training(what: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'addition' in checkpoints holds .*without running code"):
        tiny_trainer(tmp_path).fit(Adds(what), PlainData())
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not (tmp_path / "runs").exists()


class Remembers(Callback):
    """A callback with a state that cannot be read once it has trained."""

    has_trained = False

    def on_train_batch_end(self, *_: Any) -> None:
        """Has it."""
        self.has_trained = True

    def state_dict(self) -> dict[str, Any]:
        """Returns it."""
        return {"where": Path("x")} if self.has_trained else {}


def test_what_a_callback_keeps_is_refused_with_the_first_save(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'callbacks' in checkpoints holds pathlib"):
        tiny_trainer(tmp_path, callbacks=[Remembers()]).fit(tiny_vgg(), TinyDataModule())
    assert not list(tmp_path.rglob("*.ckpt"))
    (summary,) = tmp_path.rglob("summary.json")
    assert json.loads(summary.read_text())["status"] == "failed"


class KeepsState(Callback):
    """A callback with a state of any kind.

    Args:
        what: What is in it.
    """

    def __init__(self, what: Any) -> None:
        self.what = what

    def state_dict(self) -> dict[str, Any]:
        """Returns it."""
        return {"good": torch.zeros(2), "what": [self.what]}


@pytest.mark.parametrize(("what", "name"), [(lambda: 1, "a function"), (Path("x"), "pathlib")])
def test_a_state_of_a_callback_is_refused_before_training(what: Any, name: str, tmp_path: Path) -> None:
    """Of a task's run, too; a function was found by pickle after the first epoch."""
    for model, data in ((tiny_vgg(), TinyDataModule()), (PlainModule(), PlainData())):
        with pytest.raises(
            InputError, match=rf"^KeepsState.state_dict holds {name}.*, which no checkpoint can hold: it"
        ):
            tiny_trainer(tmp_path, callbacks=[KeepsState(what)]).fit(model, data)
    assert not (tmp_path / "runs").exists()


def test_a_module_whose_additions_exist_only_later_trains(tmp_path: Path) -> None:
    class Later(PlainModule):
        def on_train_start(self) -> None:
            self.seen = torch.zeros(2)

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            checkpoint["seen"] = self.seen

    tiny_trainer(tmp_path, max_epochs=1).fit(Later(), PlainData())
    (last,) = tmp_path.rglob("last.ckpt")
    assert torch.load(last, weights_only=True)["seen"].tolist() == [0, 0]


def test_the_command_says_it_in_one_line(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.plain.PlainModule.on_save_checkpoint", lambda self, held: held.update(x=Path("y")))
    words = ("--model", "tests.plain.PlainModule", "--data", "tests.plain.PlainData", "--trainer.accelerator", "cpu")
    code, _, errors = command("fit", *words, "--run_dir", tmp_path / "run")
    assert code == 2, errors
    assert errors.count("\n") == 1
    assert "'x' in checkpoints holds" in errors
    assert not (tmp_path / "run").exists()
