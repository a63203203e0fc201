"""Names of files that begin with `~`, which may be nobody's home."""

from pathlib import Path

import pytest

from core.files.home import from_home
from core.files.outputs import check_output_file, check_output_folder
from engine.settings.run_search import find_checkpoint


def test_a_home_is_found_and_a_name_after_nobody_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_home("~/runs") == from_home(Path("~/runs")) == tmp_path / "runs"
    assert from_home("~") == tmp_path
    assert from_home("runs/~") == Path("runs/~")
    assert from_home("~$cat.png") == Path("~$cat.png")


def test_files_and_folders_may_be_called_after_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_output_file("~results.csv", "results.csv") == Path("~results.csv")
    assert check_output_folder("~results") == Path("~results")
    Path("~mine.ckpt").touch()
    assert find_checkpoint("~mine.ckpt", "test") == (tmp_path / "~mine.ckpt", None)
