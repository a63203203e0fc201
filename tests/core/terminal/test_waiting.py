"""A line that is shown while something takes time."""

import io
import sys

import pytest

from core.terminal.waiting import shown_while


class Screen(io.StringIO):
    """A stream that says of itself that it is a terminal."""

    def isatty(self) -> bool:
        """Returns that it is."""
        return True


def test_a_terminal_shows_a_line_and_has_none_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with shown_while("importing"):
        assert screen.getvalue() == "importing\r"
    assert screen.getvalue() == "importing\r\r         \r"


@pytest.mark.parametrize("case", ["a file", "none", "another process"])
def test_nothing_else_gets_it(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = {"a file": io.StringIO(), "none": None, "another process": Screen()}[case]
    monkeypatch.setattr(sys, "stderr", stream)
    if case == "another process":
        monkeypatch.setenv("LOCAL_RANK", "1")
    with shown_while("importing"):
        pass
    assert stream is None or stream.getvalue() == ""
