"""Which code a run was made with."""

import subprocess
from pathlib import Path

import pytest

from core.code.code_state import code_version, git_state
from core.code.installed import ROOT


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=me", "-c", "user.email=me@here", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one committed file."""
    git_state.cache_clear()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "net.py").write_text("a = 1\n")
    _git(tmp_path, "init", "-q")
    return tmp_path


def test_commit_and_clean_tree(repository: Path) -> None:
    file = repository / "code" / "net.py"
    assert git_state(file) == {"commit": None, "clean": None}, "not committed"
    _git(repository, "add", ".")
    git_state.cache_clear()
    assert git_state(file) == {"commit": None, "clean": None}, "no commit yet"
    _git(repository, "commit", "-q", "-m", "one")
    commit = _git(repository, "rev-parse", "HEAD")
    git_state.cache_clear()
    assert git_state(file) == {"commit": commit, "clean": True}
    for change in (file, repository / "other.py"):
        before = change.read_text() if change.exists() else None
        change.write_text("a = 2\n")
        git_state.cache_clear()
        assert git_state(file) == {"commit": commit, "clean": False}
        change.unlink() if before is None else change.write_text(before)


def test_a_file_that_a_repository_does_not_hold_is_of_no_commit(repository: Path) -> None:
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "one")
    installed = repository / "venv" / "net.py"
    installed.parent.mkdir()
    installed.write_text("a = 1\n")
    assert git_state(installed) == {"commit": None, "clean": None}


def test_programs_of_the_repository_are_not_started(repository: Path) -> None:
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "one")
    monitor = repository / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {repository}/started\n")
    monitor.chmod(0o755)
    _git(repository, "config", "core.fsmonitor", str(monitor))
    assert git_state(repository / "code" / "net.py")["clean"] is False
    assert not (repository / "started").exists()


def test_without_git_nothing_is_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert git_state(repository / "code" / "net.py") == {"commit": None, "clean": None}


def test_the_version_is_that_of_this_code(tmp_path: Path) -> None:
    stated = [line for line in (ROOT / "setup.cfg").read_text().splitlines() if line.startswith("version = ")]
    assert stated == [f"version = {code_version()}"]
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = another\nversion = 9\n")
    assert code_version(tmp_path) != "9", "an installed copy lies in somebody's project"
