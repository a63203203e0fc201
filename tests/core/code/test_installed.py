"""A Python without the project's packages is told so in a line, whatever is started with it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.code.installed import ROOT, describe_missing, installs, missing_packages
from tests.sources import sources

LINE = r"error: this Python \(.*\) lacks torch, torchvision, pytorch-lightning and \d+ more: activate the environment"
TOOLS = [
    ["-m", "results", "status"],
    ["-m", "results", "page"],
    ["-m", "benchmarks"],
    ["-m", "benchmarks.training", "--help"],
    ["-m", "studies.write_schemas"],
    ["cli.py", "runs"],
    ["cli.py", "fit", "--config", "mlp.yaml"],
]


@pytest.mark.parametrize("words", TOOLS, ids=" ".join)
def test_a_python_without_the_packages_says_so(words: list[str]) -> None:
    bare = [sys.executable, "-S", "-E"]  # without the folder of installed packages
    done = subprocess.run([*bare, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert re.match(LINE, done.stderr)


def test_what_is_missing_is_found_by_the_names_of_setup_cfg(tmp_path: Path) -> None:
    assert missing_packages() == []
    assert missing_packages(tmp_path) == []
    (tmp_path / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n    torch>=2\n    no-such-one[x]>=1,<2\n    pillow\n"
    )
    assert missing_packages(tmp_path) == ["no-such-one"]
    assert " lacks no-such-one: activate" in describe_missing(["no-such-one"])


def messages(path: Path) -> Iterator[str]:
    """Yields the texts in a file's code, but not what stands there alone, as docstrings do."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_how_an_extra_is_installed_is_worded_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installs("text") == "pip install -e '.[text]' installs it"
    with monkeypatch.context() as windows:
        windows.setattr("core.code.installed.sys", SimpleNamespace(platform="win32"))
        assert installs("text") == 'pip install -e ".[text]" installs it'
    worded = [path for path in sources() for text in messages(path) if "pip install -e '.[" in text]
    assert worded == [ROOT / "core" / "code" / "installed.py"]


def test_extras_that_are_named_are_there() -> None:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    paths = [*sources(), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    named = {*re.findall(r"pip install -e '\.\[(\w+)\]'", text), *re.findall(r"""installs\(['"](\w+)['"]\)""", text)}
    assert {"text", "serve", "benchmarks"} <= named <= {*settings["options.extras_require"]}
