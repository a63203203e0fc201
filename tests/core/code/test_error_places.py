"""A line on an error says where in a user's own code it arose, and which module fails as it is imported."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from core.code.error_places import UNKNOWN, failed_import, shown_where
from core.errors import InputError
from tests.tiny import tiny_vgg

OWN_CODE = """
import json
from torch import nn, zeros

def reads(text):
    return json.loads(text)

class Net(nn.Linear):
    def forward(self, x):
        return super().forward(x)
"""


def _error(act: Callable[[], object]) -> Exception:
    try:
        act()
    except Exception as error:
        # from the call on, as for a command, whose own frames are the project's
        return error.with_traceback(error.__traceback__.tb_next.tb_next)
    raise AssertionError("nothing was raised")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Imports a module of a given text from a user's folder."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(text: str, name: str = "own_code") -> object:
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
        return importlib.import_module(name)

    return make


def test_the_innermost_line_of_a_users_code_is_shown(module: Callable) -> None:
    """And not the libraries' lines below it."""
    own = module(OWN_CODE)
    assert shown_where(_error(lambda: own.reads("{"))) == "(at own_code.py:6, in reads; --traceback shows more)"
    within = nn.Sequential(own.Net(3, 2))
    assert (
        shown_where(_error(lambda: within(torch.zeros(4)))) == "(at own_code.py:10, in forward; --traceback shows more)"
    )


def test_the_place_of_a_cause_is_that_of_what_it_has_caused(module: Callable) -> None:
    error = RuntimeError("wrapped")
    error.__cause__ = _error(lambda: module(OWN_CODE).reads("{"))
    assert "own_code.py:6, in reads" in shown_where(error)


def test_an_error_of_this_project_or_a_library_has_no_such_place() -> None:
    assert shown_where(_error(lambda: json.loads("{"))) == UNKNOWN
    assert shown_where(_error(lambda: tiny_vgg().losses(None))) == UNKNOWN
    assert shown_where(KeyError("never raised")) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'from core.measures import Measure\nMeasure("ece", "lower")',
            "importing own_code fails at own_code.py:2: Measure('ece'): better is 'lower'",
        ),
        ("import nowhere_at_all", "importing own_code fails at own_code.py:1: ModuleNotFoundError: No module named"),
        ("x = (", "importing own_code fails at own_code.py:1: '(' was never closed"),
        ("def f():\n    return missing\nf()", "importing own_code fails at own_code.py:2: NameError: name 'missing'"),
    ],
)
def test_a_module_that_fails_as_it_is_imported(text: str, said: str, module: Callable) -> None:
    error = _error(lambda: module(text))
    assert failed_import(error).startswith(said)
    wrapped = TypeError("as the parser says it")
    wrapped.__cause__ = error
    assert failed_import(wrapped).startswith(said)


def test_another_error_is_no_failed_import(module: Callable) -> None:
    assert failed_import(_error(lambda: module(OWN_CODE).reads("{"))) is None
    assert failed_import(InputError("no such file")) is None
    assert failed_import(_error(lambda: importlib.import_module("nowhere_at_all"))) is None
