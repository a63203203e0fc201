"""Plotly within a page."""

import base64
import gzip

import pytest

from core.errors import InputError
from core.pages import charts


def test_the_packed_script_is_plotly() -> None:
    pytest.importorskip("plotly", reason="the extra report is not installed")
    packed = charts.packed_plotly()
    assert gzip.decompress(base64.b64decode(packed)).decode() == charts.plotly()
    assert len(packed) < 2_200_000


def test_without_plotly_one_line_says_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    charts.plotly.cache_clear()
    with pytest.raises(InputError, match=r"pip install -e '\.\[report\]'"):
        charts.plotly()
    charts.plotly.cache_clear()
