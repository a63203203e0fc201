"""Parts and classes are found under the names that people give them, and nothing is left out without a word."""

import os
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.base.class_folders import LeftOut, class_content, class_folders, part_folders


def make(root: Path, *names: str) -> Path:
    """Makes files, and folders where a name ends in a slash."""
    for name in names:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"x")
    return root


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val", "VALID"])
def test_the_validation_part_has_several_names(tmp_path: Path, name: str) -> None:
    left_out = LeftOut(make(tmp_path, "train/", f"{name}/", "Test/"))
    assert part_folders(tmp_path, left_out) == {
        "train": tmp_path / "train",
        "val": tmp_path / name,
        "test": tmp_path / "Test",
    }
    assert left_out.lines() == []


def test_of_two_validation_parts_one_is_read_and_the_other_named(tmp_path: Path) -> None:
    left_out = LeftOut(make(tmp_path, "train/", "valid/", "val/"))
    assert part_folders(tmp_path, left_out)["val"] == tmp_path / "val"
    assert left_out.lines() == [f"skipped  folders named like val, which is read, in {tmp_path}: 1 (valid)"]


def test_everything_beside_the_parts_is_named_but_the_cache(tmp_path: Path) -> None:
    left_out = LeftOut(make(tmp_path, "train/", "more/", "labels.csv", ".DS_Store", "a.cache.safetensors"))
    assert list(part_folders(tmp_path, left_out)) == ["train"]
    assert left_out.lines() == [
        f"skipped  hidden files in {tmp_path}: 1 (.DS_Store)",
        f"skipped  files and folders beside train, val and test in {tmp_path}: 2 (labels.csv, more)",
    ]


def test_everything_that_is_no_file_of_a_class_is_named(tmp_path: Path, pipe: Path) -> None:
    make(tmp_path, "cat/1.png", "cat/more/2.png", "cat/.hidden", "list.txt", ".git/")
    (tmp_path / "cat" / "gone.png").symlink_to("nowhere")
    (tmp_path / "cat" / "link.png").symlink_to("1.png")
    (tmp_path / "cat" / "zero.png").symlink_to("/dev/zero")
    left_out = LeftOut(tmp_path)
    assert class_folders(tmp_path, left_out) == {"cat": tmp_path / "cat"}
    assert class_content(tmp_path / "cat", left_out) == [tmp_path / "cat" / name for name in ("1.png", "link.png")]
    assert left_out.lines() == [
        f"skipped  hidden files in {tmp_path}: 2 (.git, cat/.hidden)",
        f"skipped  files beside the class folders in {tmp_path}: 1 (list.txt)",
        f"skipped  pipes or devices in {tmp_path}: 2 ({pipe.name}, cat/zero.png)",
        f"skipped  links to nothing in {tmp_path}: 1 (cat/gone.png)",
        f"skipped  folders within a class in {tmp_path}: 1 (cat/more)",
    ]


def test_many_are_counted_and_a_few_named(tmp_path: Path) -> None:
    left_out = LeftOut(make(tmp_path, *(f"cat/{number}/" for number in range(9))))
    assert class_content(tmp_path / "cat", left_out) == []
    (line,) = left_out.lines()
    assert line.endswith("9 (cat/0, cat/1, cat/2, cat/3, cat/4 and 4 more)")


@pytest.mark.parametrize("others", ["", "files that are not .png"])
def test_files_that_do_not_fit_are_named(tmp_path: Path, others: str) -> None:
    make(tmp_path, "cat/1.png", "cat/2.txt")
    left_out = LeftOut(tmp_path)
    assert class_content(tmp_path / "cat", left_out, lambda path: path.suffix == ".png", others) == [
        tmp_path / "cat" / "1.png"
    ]
    assert left_out.lines() == [f"skipped  {others} in {tmp_path}: 1 (cat/2.txt)"]


def test_a_folder_whose_name_is_no_utf8_has_a_printable_class_name(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/" + "体".encode("gbk")
    os.mkdir(folder)
    assert class_folders(tmp_path) == {"\\xcc\\xe5": Path(os.fsdecode(folder))}


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: cannot be read: No such file or directory"):
        part_folders(tmp_path / "nowhere", LeftOut(tmp_path))
