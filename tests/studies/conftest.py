"""Studies whose trials are made in this process, one after the other."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import cli
from tests.results.processes import StandIn

WORDS = ["python", "cli.py", "fit", "--config", "tiny.yaml", "--config", "${args_json_file}"]


@pytest.fixture
def write_study(config: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the file of a study of the tiny config, and returns it; its arguments are the file's keys."""

    def write(stem: str = "lr", /, **content: Any) -> Path:
        usual = {"program": "cli.py", "command": WORDS, "method": "grid"}
        usual |= {"metric": {"name": "val/loss", "goal": "minimize"}}
        usual |= {"parameters": {"model.optimizer.lr": {"values": [0.1, 0.01]}}}
        path = tmp_path / f"{stem}.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in (usual | content).items() if value is not None}))
        return path

    return write


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Has trials made in this process; lists their commands."""
    commands: list[list[str]] = []

    def start(argv: list[str], log: Path) -> StandIn:
        commands.append(argv)
        monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
        with open(log, "a") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            return StandIn(cli.main(argv))

    monkeypatch.setattr("studies.workers.start_command", start)
    for module in ("studies.command", "studies.seeds"):
        monkeypatch.setattr(f"{module}.call", lambda function, *arguments: function(*arguments))
        monkeypatch.setattr(f"{module}.share_data", lambda argv: None)
        monkeypatch.setattr(f"{module}.share_cores", lambda number: None)
    return commands
