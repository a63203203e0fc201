"""A config's classes state which of their arguments name files, and which a continued run may change."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import LightningDataModule, LightningModule

import datamodules
from core.errors import InputError
from datamodules import CharCorpusDataModule
from datamodules.base.data_module import DataModule
from engine.settings.ownership import (
    NAMING,
    changeable,
    data_class,
    make_paths_absolute,
    named_class,
    refuse_empty_names,
)


class PlainData(LightningDataModule):
    """A data set that knows nothing of this project."""


class PlainModel(LightningModule):
    """A model that knows nothing of this project."""


def config(model: str, data: str, **arguments: Any) -> dict[str, Any]:
    return {"model": {"class_path": model}, "data": {"class_path": data, "init_args": arguments}}


def test_model_and_data_set_name_what_may_change() -> None:
    corpus = config("lightning_modules.CharRNN", "datamodules.CharCorpusDataModule")
    assert set(changeable(corpus)) == {
        *("data.data_dir", "data.file"),
        *("model.temperature", "model.top_k", "model.top_p", "model.length"),
    }
    pictures = config("lightning_modules.VGG", "datamodules.ImageFolderDataModule")
    assert {"data.stream", "data.num_workers"} < set(changeable(pictures))


def test_what_the_digest_of_the_data_follows_from_may_not_change() -> None:
    """A run with another value was refused by data that had not changed."""
    corpus = config("lightning_modules.CharRNN", "datamodules.CharCorpusDataModule")
    captions = config("lightning_modules.Captioner", "datamodules.CaptionDataModule")
    assert "data.eval_batch_size" not in changeable(corpus)
    assert "data.stream" not in changeable(captions)
    assert {"data.eval_batch_size", "data.num_workers"} < set(changeable(captions))


def test_somebody_elses_classes_have_what_the_bases_name() -> None:
    theirs = config(f"{__name__}.PlainModel", f"{__name__}.PlainData")
    assert set(changeable(theirs)) == {"data.data_dir", "data.eval_batch_size"}
    assert data_class(theirs).paths == ("data_dir",)


class Outer:
    """A class that holds another."""

    class Inner:
        """The other."""


def test_a_module_that_cannot_be_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a class in it was one of no class."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "users_needy.py").write_text("import not_installed\n")
    assert named_class({"class_path": f"{__name__}.Outer.Inner"}) is Outer.Inner
    assert named_class({"class_path": f"{__name__}.make.<locals>.Net"}) is None
    for path, missing in (("users_needy.Net", "not_installed"), ("not_there.Net", "not_there"), ("tests.no.A", "no")):
        with pytest.raises(ImportError, match=missing):
            named_class({"class_path": path})
    with pytest.raises(AttributeError):
        named_class({"class_path": f"{__name__}.Absent"})


def test_paths_are_absolute_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"data_dir": "texts", "file": "~/a.txt", "vocabulary": None, "corpus": "anna"}
    arguments = dict(given)
    make_paths_absolute(arguments, datamodules.CharCorpusDataModule.paths)
    expected = {"data_dir": str(tmp_path / "texts"), "file": str(Path.home() / "a.txt")}
    assert arguments == given | expected


@pytest.mark.parametrize("name", datamodules.__all__)
def test_no_file_or_folder_has_an_empty_name(name: str) -> None:
    for path in getattr(datamodules, name).paths:
        for value in ("", ["a", ""]):
            with pytest.raises(InputError, match=f"--data.{path}: the name is empty"):
                refuse_empty_names(config("lightning_modules.VGG", f"datamodules.{name}", **{path: value}))
    options = dict.fromkeys(NAMING, "")
    for option in NAMING:
        with pytest.raises(InputError, match=f"--{option}: the name is empty"):
            refuse_empty_names(options | {"model": None})
        options[option] = "a"
    refuse_empty_names(options | config("lightning_modules.VGG", f"datamodules.{name}"))


def test_every_named_argument_is_one() -> None:

    for name in datamodules.__all__:
        data = getattr(datamodules, name)
        own = {*data.paths, *data.changeable, *data.measured_alike} - {*DataModule.paths}
        assert own <= _arguments(data), name


def _arguments(data: type[DataModule]) -> set[str]:
    """Returns the names of a class's arguments, including those that it passes on to its bases by `**`."""
    names: set[str] = set()
    for base in data.__mro__:
        parameters = inspect.signature(base.__init__).parameters if "__init__" in vars(base) else {}
        names |= parameters.keys()
        if parameters and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def test_a_runs_vocabulary_is_taken_over(tmp_path: Path) -> None:
    assert CharCorpusDataModule.take_over(tmp_path) == {}
    (tmp_path / "vocabulary.json").touch()
    assert CharCorpusDataModule.take_over(tmp_path) == {"vocabulary": str(tmp_path / "vocabulary.json")}
