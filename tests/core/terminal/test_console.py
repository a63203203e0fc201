"""Lines for the person who watches."""

import sys
from types import ModuleType

import pytest

from core.terminal.console import bar_is_hidden, in_notebook


def test_a_process_that_starts_kernels_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)
    assert not in_notebook()


@pytest.mark.parametrize(
    ("wanted", "notebook", "disable"), [(False, True, True), (True, True, False), (True, False, None)]
)
def test_a_bar_that_is_wanted_is_shown_in_a_notebook_and_else_on_a_terminal(
    wanted: bool, notebook: bool, disable: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.terminal.console.in_notebook", lambda: notebook)
    assert bar_is_hidden(wanted) is disable
