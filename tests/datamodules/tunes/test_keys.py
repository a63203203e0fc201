"""Transposition keeps every interval and its spelling."""

import pytest

from datamodules.tunes.keys import sharps_of, shifts, signature, tidied_key, transposed
from datamodules.tunes.notation import Tune
from datamodules.tunes.playing import performed
from datamodules.tunes.reading import read_tune

TUNE = read_tune('M:4/4\nL:1/8\nK:D\n"D"d2^c=c "A7/c+"e2_BG,|^^f\'g[DA]2 f-f[K:Bm]g2|[1"Em"e4:|[2(3def|')


@pytest.mark.parametrize(
    ("written", "key"),
    [("Gmaj", "G"), ("G major", "G"), ("A minor", "Am"), ("Am", "Am"), ("D dorian", "Ddor"), ("Bb", "Bb"),
     ("F#m", "F#m"), ("Amix clef=treble", "Amix"), ("", "none"), ("HP", "HP"), ("G exp ^c", "Gexp^c")],
)  # fmt: skip
def test_a_key_has_one_form(written: str, key: str) -> None:
    assert tidied_key(written) == key


def test_signatures() -> None:
    sharps = {"C": 0, "G": 1, "F": -1, "Am": 0, "Ddor": 0, "Amix": 2, "Ebm": -6, "none": 0}
    assert {key: sharps_of(key) for key in sharps} == sharps
    assert signature("D") == {"C": 1, "D": 0, "E": 0, "F": 1, "G": 0, "A": 0, "B": 0}
    assert {letter for letter, sign in signature("Eb").items() if sign == -1} == {"E", "A", "B"}


@pytest.mark.parametrize("by", shifts(["D", "Bm"]))
def test_all_notes_move_alike_and_back(by: int) -> None:
    moved = transposed(TUNE.tokens, by)
    other = Tune(TUNE.metre, TUNE.unit, moved[2][2:-1], moved[3:])
    steps = {
        high - low
        for before, after in zip(performed(TUNE), performed(other), strict=True)
        for low, high in zip(before.pitches, after.pitches, strict=True)
    }
    assert len(steps) == 1
    assert -6 <= steps.pop() <= 5
    assert sharps_of(other.key) == 2 + by
    if by % 12 != 6:  # half an octave goes one way alone
        assert transposed(moved, -by) == TUNE.tokens


def test_an_augmented_chord_stays_one() -> None:
    tune = read_tune('K:C\n"C+"c"Bb+/d"d"G+/f+"g')
    names = [[token for token in transposed(tune.tokens, by) if token[0] == '"'] for by in (0, 2, 3)]
    assert names == [['"C+"', '"Bb+/d"', '"G+/f+"'], ['"D+"', '"C+/e"', '"A+/g+"'], ['"A+"', '"G+/b"', '"E+/d+"']]


def test_chord_names_move_with_the_notes() -> None:
    tune = read_tune('K:D\n"D"d"A7/c+"e"F#m"f"Bm"B')
    assert [token for token in transposed(tune.tokens, -1) if token[0] == '"'] == ['"G"', '"D7/f+"', '"Bm"', '"Em"']


def test_there_are_twelve_keys_and_none_without_a_key() -> None:
    assert len(shifts(["G"])) == 12
    assert 0 in shifts(["G"])
    assert shifts(["none"]) == [0]
    assert transposed(read_tune("K:B\n^^A").tokens, 3) is None, "three sharps cannot be written"
    assert len(shifts(["D", "B"])) < 12, "both keys need a signature"
