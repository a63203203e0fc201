"""What several tests of settings need."""

from pathlib import Path

import pytest


@pytest.fixture
def run(config: Path, tmp_path: Path) -> Path:
    """A run folder with both checkpoints."""
    folder = tmp_path / "runs" / "tiny" / "20260101-000000"
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("last.ckpt", "best.ckpt"):
        (folder / "checkpoints" / name).touch()
    (folder / "config.yaml").write_text(config.read_text())
    (folder / "summary.json").write_text("{}")
    return folder
