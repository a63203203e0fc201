"""Tunes are laid out in lines of bars, with beams at the beats."""

from datamodules.tunes.layout import laid_out
from datamodules.tunes.reading import read_tune

JIG = 'M:6/8\nL:1/8\nK:G\nd|"G"BAGGAB|cBAA2d|BAGGAB|"D"A3A2d|BAGGAB|"C"c2e"D"d2c|"G"B3-B2:|'


def test_lines_and_beams() -> None:
    assert laid_out(JIG, 2) == (
        'X:2\nT:Tune 2\nM:6/8\nL:1/8\nK:G\nd|"G"BAG GAB|cBA A2d|BAG GAB|\n"D"A3 A2d|BAG GAB|"C"c2e "D"d2c|"G"B3- B2:|'
    )


def test_triplets_stay_together_and_nothing_is_lost() -> None:
    text = "M:4/4\nL:1/8\nK:D\nA2(3Bcdefga|f2d2d4|"
    assert laid_out(text, 1).endswith("A2 (3Bcd ef ga|f2 d2 d4|")
    for each in (JIG, text):
        assert read_tune(laid_out(each, 1)).text == each


def test_what_is_no_tune_stays_as_it_is() -> None:
    assert laid_out("M:6/8\nABC", 1) == "X:1\nT:Tune 1\nM:6/8\nABC"
