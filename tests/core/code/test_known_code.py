"""The list of code that a user has trained with or trusted."""

import sys
from pathlib import Path

import pytest

from core.code.known_code import OWN, add_to_list, is_known, list_file, may_be_named
from primer import NAMES


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that can be imported, and would say so."""
    path = tmp_path / "some_code.py"
    path.write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


def test_a_name_is_listed_with_its_file(module: Path) -> None:
    assert not may_be_named("some_code.Net")
    assert add_to_list(["some_code.Net", "torch.optim.SGD", "some_code.Net"]) == ["some_code.Net"]
    assert list_file().read_text() == f"some_code.Net\t{module.resolve()}\n"
    assert may_be_named("some_code.Net")
    assert not may_be_named("some_code.Other")
    assert add_to_list(["some_code.Net"]) == []
    assert "some_code" not in sys.modules


def test_all_packages_of_the_project_are_known() -> None:
    assert {*OWN} == {*NAMES, "primer"} - {"cli"}


def test_nothing_is_written_for_known_code() -> None:
    assert add_to_list(["torch.optim.SGD", "lightning_modules.VGG"]) == []
    assert not list_file().exists()


def test_a_list_that_cannot_be_read_lists_nothing(module: Path) -> None:
    list_file().parent.mkdir(parents=True)
    list_file().write_bytes(b"some_code.Net\xff\n\x00")
    assert not may_be_named("some_code.Net")


@pytest.mark.parametrize(
    "name", ["", ".", "..a", "nowhere.Net", "a b.c", "sys.exit", "os.system", "\x00.a", "a" * 5000]
)
def test_other_texts_are_not_known(name: str) -> None:
    assert not is_known(name)
    assert not may_be_named(name)
