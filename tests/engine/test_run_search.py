"""The run and the checkpoint that a name stands for."""

from pathlib import Path

import pytest

from core.errors import InputError
from engine.run_search import find_checkpoint


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


def test_a_run_with_one_checkpoint_stands_for_that(run: Path) -> None:
    (run / "checkpoints" / "best.ckpt").unlink()
    assert find_checkpoint(str(run), "test")[0].name == "last.ckpt"
    (run / "checkpoints" / "last.ckpt").unlink()
    with pytest.raises(InputError, match=r"no checkpoint in this folder \(looked for checkpoints/best.ckpt\)"):
        find_checkpoint(str(run), "test")


@pytest.mark.parametrize("place", ["checkpoints/best.ckpt", "saved.ckpt"])
def test_the_config_is_found_beside_a_checkpoint_file(place: str, run: Path) -> None:
    (run / "saved.ckpt").touch()
    assert find_checkpoint(str(run / place), "fit") == (run / place, run)
