"""Lines for the person who watches."""

import sys
from types import ModuleType

import pytest

from core.console import format_duration, in_notebook


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00")])
def test_time_reads_like_a_clock(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_process_that_starts_kernels_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)
    assert not in_notebook()
