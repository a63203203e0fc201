"""Names and texts from outside do nothing to a terminal or a spreadsheet, in any encoding."""

import io
import os
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from core.terminal.console import print_line
from core.terminal.printable import cell, columns, cut_to, encoding_of, first_names, first_of, printable, shown_path


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("天地", 4), ("\uff21\uff22", 4), ("e\u0301", 1), ("한글 a", 6), ("हि", 2), ("ﾊ", 1)],
)
def test_wide_letters_take_two_columns_and_marks_none(text: str, width: int) -> None:
    assert columns(text) == width


@pytest.mark.parametrize(
    ("names", "shown"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (dict.fromkeys("abcd"), "a, b, c, ...")]
)
def test_the_first_of_several_names_are_shown(names: Collection[str], shown: str) -> None:
    assert first_names(names) == shown


def test_of_many_names_the_first_are_shown_and_the_others_counted() -> None:
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(dict.fromkeys(range(1_500)), 2, "; ", hex) == "0x0; 0x1 and 1,498 more"


def test_a_text_is_cut_by_columns() -> None:
    assert [cut_to("天地玄黄", most) for most in (9, 8, 7, 5, 1)] == ["天地玄黄", "天地玄黄", "天地玄", "天地", ""]
    assert [cut_to("abcd", most, "…") for most in (4, 3)] == ["abcd", "ab…"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ümläut, 体育 🙂\tand\nlines", "plain, ümläut, 体育 🙂\tand\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31mred\x07\r\x00\x7f", "\\x9b31mred\\x07\\x0d\\x00\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        (os.fsdecode(b"\xcc\xe5.png"), "\\xcc\\xe5.png"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_nothing_but_text_reaches_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("cp1252", "é \\u4f53"), ("cp437", "é \\u4f53"), ("ascii", "\\xe9 \\u4f53"), ("gbk", "é 体")],
)
def test_a_terminal_gets_what_it_can_show(encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    print_line("é 体")
    assert terminal.buffer.getvalue().decode(encoding) == f"{shown}\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_no_formula(start: str) -> None:
    assert cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["-0.5", "+1e-5", "-inf", "", "a=b", "1-2", "two\nlines"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_a_cell_can_be_written_in_utf8() -> None:
    assert cell(os.fsdecode(b"\xcc.png")).encode() == b"\\xcc.png"


def test_a_stream_without_an_encoding_is_taken_for_utf8() -> None:
    assert encoding_of(object()) == "utf-8"


def test_a_path_is_shown_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line of a run had the whole path, the last one that from the current folder."""
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a" / "b.yaml") == "a/b.yaml"
    assert shown_path("a/b.yaml") == "a/b.yaml"
    assert shown_path("/elsewhere/b.yaml") == "/elsewhere/b.yaml"
