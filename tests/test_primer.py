"""The project as one package."""

import importlib
import sys
from types import ModuleType

import pytest

import lightning_modules
import primer
from lightning_modules import VGG
from tests.processes import ROOT
from tests.sources import LEVELS

NOT_INSTALLED = {"results", "benchmarks"}


def test_the_folders_have_a_second_name_in_the_package() -> None:
    assert importlib.import_module("primer.lightning_modules") is lightning_modules
    assert importlib.import_module("primer.lightning_modules.vgg").VGG is VGG
    assert lightning_modules.__spec__.name == "lightning_modules"
    assert VGG.__module__ == "lightning_modules.vgg"


@pytest.mark.parametrize("name", ["primer.nothing", "primer.tests", "primer.core.nothing"])
def test_nothing_else_is_in_it(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        importlib.import_module(name)


def test_it_knows_all_of_its_folders() -> None:
    assert {*primer.NAMES} == LEVELS.keys() - NOT_INSTALLED - {"primer"}
    assert primer.FOLDER == ROOT


@pytest.mark.parametrize("place", [None, "/elsewhere/core/__init__.py"])
def test_another_module_of_the_same_name_is_named(place: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("core")
    if place:
        other.__file__ = place
    monkeypatch.setitem(sys.modules, "core", other)
    with pytest.raises(ImportError, match="another of this name has been imported"):
        primer._refuse_others()


def test_the_command_is_that_of_cli(capsys: pytest.CaptureFixture[str]) -> None:
    assert primer.main(["runs", "nowhere"]) == 2
    assert "runs nowhere: no such folder" in capsys.readouterr().err
