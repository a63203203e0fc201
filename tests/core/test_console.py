"""Lines for the person who watches."""

import pytest

from core.console import format_duration


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00")])
def test_time_reads_like_a_clock(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
