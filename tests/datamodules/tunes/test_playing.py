"""Tunes become notes in time, as a musician would play them."""

from fractions import Fraction

import pytest
import torch

from datamodules.tunes.playing import RATE, WHOLE, Note, performed, sounded, unfolded
from datamodules.tunes.reading import read_tune

QUARTER = Fraction(1, 4)


def pitches(body: str, key: str = "C", repeats: bool = True) -> list[int]:
    """Returns the highest pitch of each note."""
    notes = performed(read_tune(f"M:4/4\nL:1/4\nK:{key}\n{body}"), repeats)
    return [max(note.pitches, default=0) for note in notes]


@pytest.mark.parametrize(
    ("body", "key", "played"),
    [
        ("CDEF|GABc|c'C,|", "C", [60, 62, 64, 65, 67, 69, 71, 72, 84, 48]),
        ("FC|f", "D", [66, 61, 78]),
        ("B_B=B|B", "F", [70, 70, 71, 70]),
        ("F^FFf|F", "C", [65, 66, 66, 77, 65]),  # as far as the bar, in its octave
        ("^^F__B", "C", [67, 69]),
        ("[CEG]z", "C", [67, 0]),
        ("C[K:A]C", "C", [60, 61]),
        ("^F4-|F4|F4", "C", [66, 65]),  # tied over the bar line, and the next one no longer
        ("[^FA]4-|[FA]2F2", "C", [69, 65]),
        ("^F4-|f4", "C", [66, 77]),
    ],
)
def test_pitches(body: str, key: str, played: list[int]) -> None:
    assert pitches(body, key) == played


def test_a_chord_has_all_its_notes() -> None:
    notes = performed(read_tune("M:4/4\nL:1/4\nK:C\n[C^C]2[CC]2-|[CC]4"))
    assert [note.pitches for note in notes] == [(60, 61), (61, 61)]


def test_times() -> None:
    notes = performed(read_tune("M:4/4\nL:1/4\nK:C\nA(3BcdA/2B/2|c3-c|c2|"))
    lengths = [QUARTER, *[QUARTER * 2 / 3] * 3, QUARTER / 2, QUARTER / 2, QUARTER * 4, QUARTER * 2]
    assert [note.length for note in notes] == lengths
    assert [note.onset for note in notes] == [sum(lengths[:place], Fraction(0)) for place in range(len(lengths))]


@pytest.mark.parametrize(
    ("body", "played"),
    [
        ("A|B:|c", "ABABc"),
        ("A|:B:|c", "ABBc"),
        ("A::B:|", "AABB"),
        ("A|[1B:|[2c|d||", "ABAcd"),
        ("|:A|[1B:|[2c|:d:|e", "ABAcdde"),
        ("A||B:|", "ABB"),
        ("|:A||B:|c||d:|", "ABABcdd"),
        ("A|:B::c||d:|", "ABBcdcd"),
        ("|:A||B|[1c:|[2d||e:|", "ABcABdee"),
        ("A|[1B|", "AB"),
        ("A:|:|B", "AAB"),
    ],
)
def test_repeats_are_played(body: str, played: str) -> None:
    tokens = unfolded(read_tune(f"K:C\n{body}").body)
    assert "".join(token for token in tokens if token not in ("|", "[1", "[2")) == played


def test_sound_has_the_pitch_and_the_length() -> None:
    sound = sounded([Note((69,), Fraction(0), Fraction(1, 2)), Note((), Fraction(1, 2), Fraction(1, 2))])
    assert len(sound) == int((WHOLE + 0.1) * RATE)
    spectrum = torch.fft.rfft(sound[: RATE // 2]).abs()
    assert int(spectrum.argmax()) * 2 == pytest.approx(440, abs=2)
    assert sound[int(0.6 * WHOLE * RATE) :].abs().max() == 0
    assert sound.abs().max() <= 1
    assert len(sounded([])) < RATE
