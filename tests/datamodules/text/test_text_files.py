"""Texts are read from files of every usual form, and what is wrong in a file is said in one line that finds it."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.text.text_files import read_lines, read_text, whole_text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a text\n".encode("utf-16-le"), "without its byte order mark; convert it: iconv -f UTF-16LE -t UTF-8"),
        ("a text\n".encode("utf-16-be"), "without its byte order mark; convert it: iconv -f UTF-16BE -t UTF-8"),
        (b"some\nstray \0 ones\0\n", "2 NUL characters, the first in line 2; leave them out"),
    ],
)
def test_nul_characters_are_refused_with_the_way_out(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"text.txt: .*{said}"):
        read_text(path)


def test_line_ends_become_newlines_unless_they_are_kept_and_a_mark_in_front_is_skipped(write: Callable) -> None:
    path = write("a.txt", b"\xef\xbb\xbfone\r\ntwo\rthree")
    assert read_text(path) == "one\ntwo\nthree"
    assert read_text(path, translate_newlines=False) == "one\r\ntwo\rthree"


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"fine\nno\xff\n", "not UTF-8 in line 2"), (b"\xef\xbb\xbf", "is empty")]
)
def test_a_file_without_text_is_an_error(write: Callable, content: bytes, said: str) -> None:
    path = write("a.txt", content)
    with pytest.raises(InputError, match=re.escape(f"{path}: {said}")):
        read_text(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing.txt: cannot be read \(No such file or directory\)"):
        read_text(tmp_path / "nothing.txt")


def test_inputs_are_texts_or_files_of_lines(write: Callable) -> None:
    path = write("lines.txt", "first\r\nsecond\n")
    given = read_lines(["a text", str(path), "x" * 5000, "and/or", "3.5"])
    assert given.texts == ["a text", "first", "second", "x" * 5000, "and/or", "3.5"]
    assert (given.unread, given.notes) == ({}, [])
    for blank in ("", " "):
        with pytest.raises(InputError, match=f"--input '{blank}': empty; a text is needed"):
            read_lines([blank])
        assert read_lines([blank], may_be_empty=True).texts == [blank]
    with pytest.raises(InputError, match=r"--input 'caf\\udce9': not UTF-8"):
        read_lines(["caf\udce9"])


def test_blank_lines_are_left_out_and_named(write: Callable) -> None:
    path = write("gap.txt", "a\n\n  \nb\n")
    given = read_lines([str(path)])
    assert given.texts == ["a", "b"]
    assert given.notes == [f"skipped  blank lines in {path}: 2 (line 2, 3)"]
    with pytest.raises(InputError, match=r"blank.txt: all lines are blank; a text is needed"):
        read_lines([str(write("blank.txt", "\n\n"))])


def test_a_file_that_cannot_be_read_costs_no_other(write: Callable) -> None:
    paths = [write("a.txt", "one\n"), write("b.txt", b"fine\nno\xff"), write("c.txt", "")]
    given = read_lines([*map(str, paths), "two"])
    assert given.texts == ["one", "", "", "two"]
    assert given.unread[1].startswith(f"{paths[1]}: not UTF-8 in line 2")
    assert given.unread[2] == f"{paths[2]}: is empty"


def test_a_file_can_be_one_document_which_is_said_once_for_all(write: Callable) -> None:
    paths = [write("a.txt", "one\n\ntwo\r\n"), write("b.txt", "\n"), write("c.txt", "three")]
    given = read_lines([*map(str, paths), "four"], read=whole_text)
    assert given.texts == ["one\n\ntwo\n", "", "three", "four"]
    assert given.unread == {1: f"{paths[1]}: is blank; a text is needed"}
    said = "one document a file, as in the class folders; a .csv or .tsv table has one a row"
    assert given.notes == [f"note     {paths[0]} and 1 more: {said}"]
    assert read_lines([str(paths[2])], read=whole_text).notes == [f"note     {paths[2]}: {said}"]


@pytest.mark.parametrize("name", ["reviws.txt", "REVIWS.CSV", "my reviews.txt.gz", "folder/reviews"])
def test_a_mistyped_name_of_a_file_is_no_text(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=f"^--input {name}: no such file$"):
        read_lines([name])


def test_a_folder_and_a_pipe_are_no_texts(tmp_path: Path, pipe: Path) -> None:
    with pytest.raises(InputError, match="a folder; name its files"):
        read_lines([str(tmp_path)])
    with pytest.raises(InputError, match="a pipe or a device, not a file"):
        read_lines([str(pipe)])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_tells_the_encoding(write: Callable, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert read_text(write("a.txt", mark + "grün 体\r\n".encode(encoding))) == "grün 体\n"


def test_a_packed_file_is_unpacked(write: Callable) -> None:
    assert read_text(write("a.txt.gz", gzip.compress(b"content"))) == "content"
