"""The commands that take a run further can be pasted into a shell."""

import shlex
from pathlib import Path

import pytest

from engine.settings.run_commands import command_of_run, trust_of_run


def test_a_command_names_the_run_before_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["predict", "--input", "TEXT"]
    assert command_of_run(tmp_path / "run", words).endswith(" predict --ckpt_path run --input TEXT")
    line = command_of_run(tmp_path / "my $HOME's run", ["test"])
    assert shlex.split(line)[-1] == "my $HOME's run"


def test_code_that_is_not_known_needs_trust(tmp_path: Path) -> None:
    assert trust_of_run(tmp_path) == []
    (tmp_path / "config.yaml").write_text("model: {class_path: not_known.Net}")
    assert trust_of_run(tmp_path) == ["--trust"]
    assert command_of_run(tmp_path, ["test"]).endswith(" --trust")
