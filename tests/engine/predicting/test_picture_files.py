"""Pictures that a model makes are written to a folder, each under a name of its own, or all to one file."""

import errno
from pathlib import Path

import pytest
import torch
from PIL import Image

from core.errors import InputError
from engine.predicting.picture_files import check_picture_output, write_pictures

PICTURES = [torch.full((4, 6, 3), 10, dtype=torch.uint8), torch.full((5, 5, 1), 20, dtype=torch.uint8)]


def test_each_picture_has_a_file_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    files = write_pictures(["cat", "cat", "dog.v2", "a/b:c"], [*PICTURES, *PICTURES], "made/here")
    assert [str(file) for file in files] == [f"made/here/{name}.png" for name in ("cat", "cat_2", "dog.v2", "a-b-c")]
    with Image.open("made/here/cat.png") as first, Image.open("made/here/cat_2.png") as second:
        assert (first.size, first.getpixel((0, 0)), second.mode) == ((6, 4), (10, 10, 10), "L")
    assert "4 pictures written to made/here" in capsys.readouterr().out


def test_names_of_files_differ_and_are_possible_on_every_disk() -> None:
    """That of macOS takes `Cat.png` for `cat.png`, and Windows has no file of a name with a question mark."""
    files = write_pictures(["Cat", "cat", 'a?b*<c>"d|'], [*PICTURES, PICTURES[0]], "made")
    assert [file.name for file in files] == ["Cat.png", "cat_2.png", "a-b--c--d-.png"]


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_one_picture_can_have_a_name(ending: str) -> None:
    write_pictures(["picture"], PICTURES[:1], f"one.{ending}")
    with Image.open(f"one.{ending}") as picture:
        assert picture.size == (6, 4)


def test_one_file_has_all_pictures_of_one_size_as_a_grid() -> None:
    assert write_pictures(["a", "b"], PICTURES[:1] * 2, "both.png") == [Path("both.png")] * 2
    with Image.open("both.png") as picture:
        assert picture.size == (2 * 6 + 2, 4)
    with pytest.raises(InputError, match=r"--output one\.png: a file is for pictures of one size, and these differ"):
        write_pictures(["a", "b"], PICTURES, "one.png")


@pytest.mark.parametrize(("ending", "rows"), [("webp", 16_384), ("jpg", 65_536)])
def test_a_grid_too_large_for_its_format_is_one_line(ending: str, rows: int) -> None:
    with pytest.raises(
        InputError, match=rf"--output all\.{ending}: 1x{rows:,} pixels cannot be written in this format"
    ):
        write_pictures(["a"], [torch.zeros(rows, 1, 3, dtype=torch.uint8)], f"all.{ending}")
    assert not Path(f"all.{ending}").exists()


def test_a_place_that_cannot_be_used_is_refused_before_anything_is_made() -> None:
    Path("photos").mkdir()
    Path("photos/a.png").touch()
    Path("file").touch()
    Path("folder.png").mkdir()
    Path("empty").mkdir()
    for output, message in {
        None: "--output: name a folder",
        "": "--output: name a folder",
        "file": "file is a file, where a folder is expected",
        "file/x.png": "file is a file, where a folder is expected",
        "table.csv": r"name a folder, or a file that ends in \.png",
        "photos": "photos: is there already, and nothing in it is replaced; name a new folder",
        "photos/a.png": "is what is read, and is not replaced",
        "folder.png": "a folder; name a file",
    }.items():
        with pytest.raises(InputError, match=message):
            check_picture_output(output, ["photos", "photos/a.png"])
    for inputs in (["photos"], ["."], ["photos/../photos/a.png"]):  # in a folder that is read, or by another name
        with pytest.raises(InputError, match=r"photos/a.png: is what is read"):
            check_picture_output("photos/a.png", inputs)
    check_picture_output("photos/new.png", ["photos"])
    check_picture_output("made/here", ["photos"])
    check_picture_output("empty", ["photos"])
    check_picture_output("photos/b.png", ["photos/a.png"])


@pytest.mark.parametrize("step", ["pathlib.Path.mkdir", "pathlib.Path.write_bytes", "os.replace"])
def test_a_folder_that_cannot_be_written_is_named(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(step, refuse)  # root may write anywhere
    with pytest.raises(InputError, match=r"^--output made: cannot be written \(.*Permission denied\)"):
        write_pictures(["a"], PICTURES[:1], "made")
    assert not list(Path.cwd().rglob("*.*"))
