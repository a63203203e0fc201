"""A folder of data that is none is named before anything is read or downloaded."""

import inspect
from pathlib import Path

import pytest

import datamodules
from core.errors import InputError

IN_FOLDERS = [
    name for name in datamodules.__all__ if "data_dir" in inspect.signature(getattr(datamodules, name)).parameters
]


@pytest.mark.parametrize("name", [*IN_FOLDERS, "CIFAR10DataModule", "MNISTDataModule", "SVHNDataModule"])
def test_a_file_in_place_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"notes\.txt: (a file, and no folder; its folder is|no)") as error:
        getattr(datamodules, name)(data_dir=str(tmp_path / "notes.txt"))
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
