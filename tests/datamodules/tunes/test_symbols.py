"""Beginnings of tunes are read as people type them."""

import json
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.tunes.notation import NoTune
from datamodules.tunes.symbols import END, read_prime, read_vocabulary, vocabulary_of


@pytest.mark.parametrize(
    ("typed", "tune"),
    [
        ("", ""),
        ("M:6/8", "M:6/8\nL:1/8\n"),
        ("M:6/8 K:G", "M:6/8\nL:1/8\nK:G\n"),
        ("K: D minor", "M:4/4\nL:1/8\nK:Dm\n"),
        ("M:4/4 K:E dorian", "M:4/4\nL:1/8\nK:Edor\n"),
        ("K:G Major|:d", "M:4/4\nL:1/8\nK:G\n|:d"),
        ("K:G z", None),
        ("X:1\nT:My old tune\nM:6/8\nK:G", "M:6/8\nL:1/8\nK:G\n"),
        ("T:My old tune M:6/8", "M:6/8\nL:1/8\n"),
        ("T: M:6/8 K:G", "M:6/8\nL:1/8\nK:G\n"),
        ("K:Dmin", "M:4/4\nL:1/8\nK:Dm\n"),
        ("R:waltz", "M:3/4\nL:1/8\n"),
        ("M:C| K:D |:d2", "M:2/2\nL:1/8\nK:D\n|:d2"),
        ("M:C|", "M:2/2\nL:1/8\n"),
        ("R:slip jig K:D", "M:9/8\nL:1/8\nK:D\n"),
        ("M:C\nL:1/8\nK:D\n|:d2 A>F", "M:4/4\nL:1/8\nK:D\n|:d2A3/2F/2"),
        ("X:1\nT:Name\nM:4/4\nL:1/4\nK:G\nAB", "M:4/4\nL:1/8\nK:G\nA2B2"),
    ],
)
def test_a_prime_has_fields_and_perhaps_bars(typed: str, tune: str | None) -> None:
    if tune is None:
        with pytest.raises(NoTune):
            read_prime(typed, "tokens")
    else:
        assert "".join(read_prime(typed, "tokens")) == tune


def test_characters_keep_the_unit() -> None:
    assert "".join(read_prime("M:4/4\nL:1/4\nK:G\nAB", "characters")) == "M:4/4\nL:1/4\nK:G\nAB"
    assert "".join(read_prime("M:2/4 K:G", "characters")) == "M:2/4\nL:1/16\nK:G\n"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("hello", "music before the key field K:, such as K:G"),
        ("M:6/8 |:abc", "music before the key field"),
        ("R:tango", r"the rhythm 'tango' \(known are jig, "),
        ("Q:120", "the field Q:"),
        ("M:7/7", "the metre '7/7'"),
        ("K:G #", "'#', which is no music"),
    ],
)
def test_what_is_no_beginning_says_why(typed: str, why: str) -> None:
    with pytest.raises(NoTune, match=why):
        read_prime(typed, "tokens")


def test_a_vocabulary_spells_what_it_lacks() -> None:
    tokens = ("K:G\n", "A", "3/2", "K:D\n", "B")
    assert vocabulary_of(tokens, ()).symbols == (END, *sorted("K:G\nA3/2DB"))
    assert set(vocabulary_of(tokens, ["3/2", "A"]).symbols) == {END, "3/2", *"K:G\nA3/2DB"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"symbols": ["a"]}, "a vocabulary, but not of tunes"),
        ({"symbols": ["a"], "kind": "tokens", "tokens": []}, "not of tunes"),
        ({"symbols": [END], "kind": "tokens", "tokens": 3}, "not of tunes"),
        ({"symbols": [END], "kind": "characters", "tokens": []}, "has characters, and data.symbols is tokens"),
    ],
)
def test_another_vocabulary_is_refused(tmp_path: Path, content: dict, said: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=said):
        read_vocabulary(path, "tokens")
