"""Figures of tunes are what a hand count gives."""

import pytest

from datamodules.tunes.judging import Judge, intervals
from datamodules.tunes.reading import read_tune

HEADER = "M:2/4\nL:1/8\nK:G\n"
REAL = HEADER + "GABc|dedB|cBAG|ABcA|GABc|dedB|cBAF|G4|"
BROKEN = HEADER + "bgbg|efge|dBGB|A5|bgbg|efge|dBGA|G4|"
SHORT = HEADER + "dcBA|G4|"


def test_shares() -> None:
    judgement = Judge([read_tune(REAL)]).judge([REAL, BROKEN, SHORT, "no tune"])
    assert (judgement.tunes, judgement.readable, judgement.long) == (4, 0.75, 2)
    assert judgement.whole == 0.5, "of those with eight bars"
    assert judgement.bars == 17 / 18
    assert judgement.mean_bars == 6
    assert judgement.keys == {"G": 3}


def test_copies_are_found_in_another_key_too() -> None:
    judge = Judge([read_tune(REAL)])
    another = "M:2/4\nL:1/4\nK:D\nD/2E/2F/2G/2|A/2B/2A/2F/2|G/2F/2E/2D/2|E/2F/2G/2E/2|D/2E/2F/2G/2|A/2B/2A/2F/2|"
    assert judge.judge([REAL]).copied_to_the_letter == 1
    assert judge.judge([another]).copied_to_the_letter == 0
    assert judge.judge([another]).copied == 1
    assert judge.judge([BROKEN]).copied == 0


def test_intervals() -> None:
    shares = intervals([read_tune("K:C\nCCDEGc'z|C|[CE]")])
    sizes = {"same": 1, "step": 2, "third": 2, "leap": 0, "beyond an octave": 2}
    assert shares == pytest.approx({name: count / 7 for name, count in sizes.items()})


def test_nothing_written_has_figures_too() -> None:
    judgement = Judge([]).judge([])
    assert judgement.whole == judgement.copied == judgement.readable == 0
    assert all(isinstance(cell, str) for cell in judgement.cells().values())
