"""Texts and labels are read in every usual form, and what is wrong in a file is said in one line that finds it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.text.text_files import read_columns, read_folders, read_lines, read_table, read_text


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


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
    assert read_lines(["a text", str(path), "x" * 5000]) == ["a text", "first", "second", "x" * 5000]
    with pytest.raises(InputError, match="--input ' ': is empty"):
        read_lines([" "])
    with pytest.raises(InputError, match=r"gap.txt, line 2: is empty"):
        read_lines([str(write("gap.txt", "a\n\nb\n"))])
    with pytest.raises(InputError, match=r"--input 'caf\\udce9': not UTF-8"):
        read_lines(["caf\udce9"])


def test_a_folder_a_class_is_read_in_the_order_of_numbers(write: Callable, tmp_path: Path) -> None:
    for name in ("pos/10_9.txt", "pos/2_7.txt", "neg/0_1.txt", "unsup/0_0.txt"):
        write(name, name)
    write("neg/empty.txt", "")
    part = read_folders(tmp_path, ("neg", "pos"))
    assert part.texts == ["neg/0_1.txt", "", "pos/2_7.txt", "pos/10_9.txt"]
    assert part.labels == ["neg", "neg", "pos", "pos"]
    assert part.places[2] == str(tmp_path / "pos/2_7.txt")
    assert len(read_folders(tmp_path)) == 5


def test_what_is_no_text_of_a_folder_is_passed_over_and_an_empty_one_is_kept(write: Callable, tmp_path: Path) -> None:
    write("pos/._1.txt", b"\x00\x05\xff")
    write("pos/folder.txt/inner", "inner")
    write("pos/mark.txt", b"\xef\xbb\xbf")
    write("pos/\u00b21.txt", "superscript")
    assert read_folders(tmp_path).texts == ["", "superscript"]


def test_a_text_that_cannot_be_read_is_named(write: Callable, tmp_path: Path) -> None:
    write("pos/1.txt", "one")
    (tmp_path / "pos" / "2.txt").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"2.txt: cannot be read \(No such file or directory\)"):
        read_folders(tmp_path)


def test_folders_without_texts_are_errors(write: Callable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folders in it; texts belong in .*/<class>"):
        read_folders(tmp_path)
    write("pos/readme.md", "nothing")
    with pytest.raises(InputError, match=r"pos: no .txt files in it"):
        read_folders(tmp_path)


@pytest.mark.parametrize("label", [None, 0])
def test_a_label_can_stand_first(write: Callable, label: int | None) -> None:
    path = write("cnews.txt", "sports\tone\nhome\ttwo\nsports\tthree\n")
    part = read_columns(path, label)
    assert (part.labels, part.texts) == (["sports", "home", "sports"], ["one", "two", "three"])
    assert part.label_column == 0


@pytest.mark.parametrize("label", [None, 1])
def test_a_label_can_stand_last_and_be_the_number_of_a_name(write: Callable, label: int | None) -> None:
    path = write("dev.txt", "one\t1\ntwo\t0\nthree\t1\n")
    part = read_columns(path, label, ["finance", "sports"])
    assert (part.labels, part.texts) == (["sports", "finance", "sports"], ["one", "two", "three"])
    assert part.places[1] == f"{path}, line 2"


def test_a_text_may_hold_tabs_where_the_labels_column_is_given(write: Callable) -> None:
    path = write("a.txt", "a\tb\tx\nc\td\ty\n")
    assert read_columns(path, 1).texts == ["a\tb", "c\td"]
    assert read_columns(path, 0).texts == ["b\tx", "d\ty"]
    with pytest.raises(InputError, match="line 1: 3 columns, where text and label are expected"):
        read_columns(path, None)


def test_commas_divide_a_csv_file_and_quotes_protect_them(write: Callable) -> None:
    path = write("a.csv", 'x,"one, ""two""\nthree"\ny,four\nx,five\n')
    part = read_columns(path, None)
    assert (part.labels, part.texts) == (["x", "y", "x"], ['one, "two"\nthree', "four", "five"])
    assert part.places[1] == f"{path}, line 3"


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_newline_ends_a_line_of_a_csv_file(write: Callable, sign: str) -> None:
    path = write("a.csv", f"x,one{sign}more\ny,two\n")
    assert read_columns(path, 0).texts == [f"one{sign}more", "two"]
    assert read_columns(path, 0).places[1] == f"{path}, line 2"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "one\t0\ntwo\n", "line 2: no tab between text and label"),
        ("a.csv", "one,0\ntwo,1,2\n", "line 2: 3 columns, where text and label are expected"),
        ("a.csv", "\n", "no texts in it"),
        ("a.csv", 'one,"0\n', "line 1: unexpected end of data"),
        ("a.txt", "one\ttwo\nthree\tfour\n", "either column could be the label (2 and 2 different values)"),
    ],
)
def test_a_line_that_is_wrong_is_named(write: Callable, name: str, content: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        read_columns(write(name, content), None)


@pytest.mark.parametrize("label", ["2", "x", "\u2460"])
def test_a_number_without_a_name_is_an_error(write: Callable, label: str) -> None:
    with pytest.raises(InputError, match=f"line 1: label '{label}', where 0 to 1 are expected"):
        read_columns(write("a.txt", f"one\t{label}\n"), 1, ["finance", "sports"])


def test_columns_are_found_by_their_names(write: Callable) -> None:
    path = write("a.csv", 'id,text,stars\n1,"good, really",5\n2,bad,1\n')
    part = read_table(path, "text", "stars")
    assert (part.labels, part.texts) == (["5", "1"], ["good, really", "bad"])
    with pytest.raises(InputError, match=r"no column 'review'; it has id, text, stars"):
        read_table(path, "review", "stars")
    with pytest.raises(InputError, match=r"line 2: 2 columns, where the header has 3"):
        read_table(write("b.csv", "id,text,stars\n1,good\n"), "text", "stars")
    with pytest.raises(InputError, match=r"c.csv: no texts in it"):
        read_table(write("c.csv", "id,text,stars\n"), "text", "stars")
