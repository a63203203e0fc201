"""A folder of texts per class is read in the order of numbers, and what is no text in it is named."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.base.class_folders import LeftOut
from datamodules.text.folders import read_folders, text_files


def test_a_folder_a_class_is_read_in_the_order_of_numbers(write: Callable, tmp_path: Path) -> None:
    for name in ("pos/10_9.txt", "pos/2_7.txt", "neg/0_1.txt", "unsup/0_0.txt"):
        write(name, name)
    write("neg/empty.txt", "")
    part = read_folders(tmp_path, ("neg", "pos"))
    assert part.texts == ["neg/0_1.txt", "", "pos/2_7.txt", "pos/10_9.txt"]
    assert part.labels == ["neg", "neg", "pos", "pos"]
    assert part.places[2] == str(tmp_path / "pos/2_7.txt")
    assert len(read_folders(tmp_path)) == 5


def test_what_is_no_text_of_a_folder_is_named_and_an_empty_one_is_kept(write: Callable, tmp_path: Path) -> None:
    write("pos/._1.txt", b"\x00\x05\xff")
    write("pos/folder.txt/inner", "inner")
    write("pos/mark.txt", b"\xef\xbb\xbf")
    write("pos/\u00b21.txt", "superscript")
    write("pos/readme.md", "no text")
    (tmp_path / "pos" / "2.txt").symlink_to("nowhere")
    left_out = LeftOut(tmp_path)
    text_files(tmp_path, None, left_out)
    assert read_folders(tmp_path).texts == ["", "superscript"]
    assert sorted(left_out.lines()) == [
        f"skipped  files that are not .txt in {tmp_path}: 1 (pos/readme.md)",
        f"skipped  folders within a class in {tmp_path}: 1 (pos/folder.txt)",
        f"skipped  hidden files in {tmp_path}: 1 (pos/._1.txt)",
        f"skipped  links to nothing in {tmp_path}: 1 (pos/2.txt)",
    ]


def test_capital_letters_and_packed_files_are_read(write: Callable, tmp_path: Path) -> None:
    write("pos/1.TXT", "one")
    write("pos/2.txt.gz", gzip.compress(b"two"))
    assert read_folders(tmp_path).texts == ["one", "two"]


def test_a_text_that_cannot_be_read_is_named(write: Callable, tmp_path: Path) -> None:
    write("pos/1.txt", "one")
    write("pos/2.txt", b"\xff")
    with pytest.raises(InputError, match=r"2.txt: not UTF-8 in line 1"):
        read_folders(tmp_path)


def test_folders_without_texts_are_errors(write: Callable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folders in it; texts belong in .*/<class>"):
        read_folders(tmp_path)
    write("pos/readme.md", "nothing")
    with pytest.raises(InputError, match=r"pos: no .txt files in it"):
        read_folders(tmp_path)
