"""Lines for the person who watches."""

import sys
from types import ModuleType

import pytest

from core.terminal.console import in_notebook


def test_a_process_that_starts_kernels_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)
    assert not in_notebook()
