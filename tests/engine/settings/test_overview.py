"""What `--help` prints without a subcommand."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.settings import config_names
from engine.settings.overview import top_level_help
from tests.processes import ROOT

SLOW = ("dataclasses", "inspect", "torch", "yaml")  # to import


def test_help_names_every_subcommand_and_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "one.yaml").touch()
    monkeypatch.setattr(config_names, "CONFIGS", tmp_path)
    text = top_level_help()
    assert all(name in text for name in ("fit", "validate", "test", "predict", "published/one.yaml"))


def test_help_imports_next_to_nothing() -> None:
    """It took 0.1 seconds of the processor, of which 0.05 went to what only a run needs."""
    asked = f"import sys, cli; cli.main(['--help']); print([name for name in {SLOW} if name in sys.modules])"
    # without `site`, where an installation may import things of its own
    done = subprocess.run([sys.executable, "-S", "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
