"""A Python without the project's packages is told so in a line, whatever is started with it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.installed import ROOT, described, missing_packages

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
    assert " lacks no-such-one: activate" in described(["no-such-one"])
