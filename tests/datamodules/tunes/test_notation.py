"""Tokens have kinds and lengths, and durations another unit."""

from fractions import Fraction

import pytest

from datamodules.tunes.notation import kind_of, length_of, length_token, rescaled
from datamodules.tunes.reading import read_tune


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("M:6/8\n", "header"),
        ("^c'", "tone"),
        ("[CE]", "tones"),
        ("z", "rest"),
        ("3/2", "length"),
        ('"F#m"', "name"),
        ("[1", "ending"),
        (":|", "bar"),
        ("(3", "group"),
        ("[M:6/8]", "field"),
        ("-", "tie"),
        ("hello", ""),
    ],
)
def test_a_token_has_a_kind(token: str, kind: str) -> None:
    assert kind_of(token) == kind


@pytest.mark.parametrize(("token", "length"), [("2", "2"), ("/2", "1/2"), ("3/2", "3/2"), ("3/4", "3/4"), ("", "1")])
def test_durations_are_exact(token: str, length: str) -> None:
    assert length_of(token) == Fraction(length)
    assert length_token(Fraction(length)) == token


def test_slashes_halve() -> None:
    assert (length_of("/"), length_of("//"), length_of("3//")) == (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4))


def test_another_unit_changes_no_length() -> None:
    tune = read_tune("M:3/4\nL:1/4\nK:G\nA2B|c3/2d/2[ce]|(3Bcdz2|")
    eighths = rescaled(tune, Fraction(1, 8))
    assert eighths.text == "M:3/4\nL:1/8\nK:G\nA4B2|c3d[ce]2|(3B2c2d2z4|"
    assert rescaled(eighths, Fraction(1, 4)) == tune
