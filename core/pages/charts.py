"""Plotly, which draws a page's charts, packed into the page: 4.7 MB as it comes, 1.9 MB as the page holds it."""

import base64
import gzip
import importlib.util
from functools import cache
from pathlib import Path

from core.code.installed import installs
from core.errors import InputError


@cache
def plotly() -> str:
    """Returns Plotly's script. Only the file is read: importing the package would take longer than making a page.

    Raises:
        InputError: Plotly is not installed.
    """
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        raise InputError(f"charts need Plotly; {installs('report')}")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@cache
def packed_plotly() -> str:
    """Returns Plotly's script, compressed by gzip, in base 64; `charts.js` unpacks it."""
    return base64.b64encode(gzip.compress(plotly().encode(), compresslevel=6, mtime=0)).decode()
