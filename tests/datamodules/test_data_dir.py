"""A folder of data that is none is named before anything is read or downloaded."""

import inspect
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import datamodules
from core.errors import InputError
from tests.documented import unquoted

IN_FOLDERS = [
    name for name in datamodules.__all__ if "data_dir" in inspect.signature(getattr(datamodules, name)).parameters
]


@pytest.mark.parametrize("name", [*IN_FOLDERS, "CIFAR10DataModule", "MNISTDataModule", "SVHNDataModule"])
def test_a_file_in_place_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    expected = r"notes\.txt: (a file, where a folder is expected; give --data\.\w|no)"
    with pytest.raises(InputError, match=expected) as error:
        getattr(datamodules, name)(data_dir=str(tmp_path / "notes.txt"))
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "data",
    [
        lambda: datamodules.ImageFolderDataModule("absent"),
        lambda: datamodules.ClassFoldersDataModule("absent"),
        lambda: datamodules.PicturesDataModule("absent"),
        lambda: datamodules.TextClassificationDataModule("absent", dataset="files").load_once(),
    ],
)
def test_a_folder_that_is_not_there_is_not_said_to_lack_something(data: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^--data\.data_dir absent: no such folder"):
        data()


TAKES_FILE = [name for name in IN_FOLDERS if "file" in getattr(datamodules, name).own_file]


@pytest.mark.parametrize("name", TAKES_FILE)
def test_the_options_that_take_such_a_file_are_named_and_exist(name: str, tmp_path: Path) -> None:
    (tmp_path / "my texts.csv").touch()
    kind = getattr(datamodules, name)
    with pytest.raises(InputError) as error:
        kind(data_dir=str(tmp_path / "my texts.csv"))
    words = shlex.split(str(error.value).partition("; give ")[2])
    options = {word.removeprefix("--data.") for word in words[::2]}
    assert options <= set(inspect.signature(kind).parameters)
    assert any("my texts.csv" in word for word in words[1::2])
    assert not unquoted(str(error.value).partition("; give ")[2])


def test_modules_of_own_files_name_their_options() -> None:
    own = {"file", "train_file", "train_files"}
    takes = [name for name in IN_FOLDERS if own & set(inspect.signature(getattr(datamodules, name)).parameters)]
    assert takes == TAKES_FILE
