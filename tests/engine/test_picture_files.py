"""Pictures that a model has made are written under the names of what they were made of."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from core.errors import InputError
from engine.picture_files import check_picture_output, write_pictures

PICTURES = [torch.full((4, 6, 3), 10, dtype=torch.uint8), torch.full((5, 5, 1), 20, dtype=torch.uint8)]


def test_each_picture_has_a_file_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    table = write_pictures(["a/cat.jpg", "b/cat.png"], PICTURES, "made/here")
    assert sorted(path.name for path in Path("made/here").iterdir()) == ["cat.png", "cat_2.png"]
    assert [row[2] for row in table.rows] == ["6x4", "5x5"]
    with Image.open("made/here/cat.png") as first, Image.open("made/here/cat_2.png") as second:
        assert (first.getpixel((0, 0)), second.mode) == ((10, 10, 10), "L")
    assert "2 pictures written to made/here" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_one_picture_can_have_a_name(ending: str) -> None:
    write_pictures(["picture"], PICTURES[:1], f"one.{ending}")
    with Image.open(f"one.{ending}") as picture:
        assert picture.size == (6, 4)


def test_several_pictures_need_a_folder() -> None:
    with pytest.raises(InputError, match=r"--output one\.png: a file is for one picture, and there are 2"):
        write_pictures(["a", "b"], PICTURES, "one.png")


def test_a_place_that_cannot_be_used_is_refused_before_anything_is_made() -> None:
    Path("photos").mkdir()
    Path("photos/a.png").touch()
    Path("file").touch()
    for output, message in {
        None: "--output: name a folder",
        "": "--output: name a folder",
        "file": "file is a file, and no folder",
        "file/x.png": "file is a file, and no folder",
        "table.csv": r"name a folder, or a file that ends in \.png",
        "photos": "holds what is read",
        "photos/a.png": "holds what is read",
    }.items():
        with pytest.raises(InputError, match=message):
            check_picture_output(output, ["photos", "photos/a.png"])
    check_picture_output("made", ["photos"])
    check_picture_output("photos/b.png", ["photos/a.png"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        write_pictures(["a"], PICTURES[:1], str(tmp_path / "made"))
