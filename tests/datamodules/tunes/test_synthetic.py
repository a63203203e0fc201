"""Synthetic tunes are whole, and the same for the same seed."""

from datamodules.tunes.bars import right_bars
from datamodules.tunes.reading import read_tune
from datamodules.tunes.synthetic import synthetic_tunes


def test_every_bar_is_right_and_phrases_come_again() -> None:
    tunes = synthetic_tunes(30, seed=0)
    for tune in tunes:
        bars = right_bars(tune)
        assert all(bars)
        assert len(bars) == 20
        assert read_tune(tune.text).body == tune.body
    assert len({tune.text for tune in tunes}) == 30
    assert {tune.metre for tune in tunes} == {"4/4", "6/8", "3/4", "2/4"}
    assert [tune.text for tune in synthetic_tunes(30, seed=0)] == [tune.text for tune in tunes]
    assert synthetic_tunes(1, seed=1)[0].text != tunes[0].text
