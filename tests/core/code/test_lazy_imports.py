"""A package's classes are imported at their first use, and type checkers are told of the same ones."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import datamodules
import lightning_modules
from core.code.lazy_imports import lazy_imports
from tests.processes import ROOT


def test_a_class_is_imported_from_its_module_when_it_is_first_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "__init__.py").touch()
    (tmp_path / "shelf" / "books.py").write_text("class Atlas:\n    pages = 7\n")
    (tmp_path / "shelf" / "broken.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    get, names = lazy_imports("shelf", {"Atlas": "books", "Map": "broken"})
    assert names == ["Atlas", "Map"]
    assert "shelf.books" not in sys.modules
    assert get("Atlas").pages == 7
    with pytest.raises(RuntimeError, match="imported"):
        get("Map")
    with pytest.raises(AttributeError, match="module 'shelf' has no attribute 'Globe'"):
        get("Globe")


@pytest.mark.parametrize("package", [datamodules, lightning_modules], ids=lambda package: package.__name__)
def test_type_checkers_see_the_names_that_can_be_imported(package: object) -> None:
    tree = ast.parse(Path(package.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    checked = {alias.name: node.module for node in block.body for alias in node.names}
    assert checked == {name: getattr(package, name).__module__ for name in package.__all__}


def test_importing_a_package_imports_none_of_its_classes() -> None:
    code = "import sys, datamodules, lightning_modules; print(*(name for name in sys.modules if 'modules.' in name))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""
