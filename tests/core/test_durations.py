"""Durations are read at a glance."""

import pytest

from core.durations import duration_in_words, format_duration


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00")])
def test_time_reads_like_a_clock(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(89, "89 s"), (90, "2 min"), (5399, "90 min"), (6000, "1.7 h"), (1e6, "277.8 h")],
)
def test_time_to_wait_is_told_in_words(seconds: float, text: str) -> None:
    assert duration_in_words(seconds) == text
