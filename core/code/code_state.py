"""Which code a run was made with: its version, and the commit of the Git repository that it is in."""

import configparser
import os
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.code.installed import ROOT

PACKAGE = "primer"
SECONDS = 10  # after which Git is not waited for


@cache
def code_version(root: Path = ROOT) -> str | None:
    """Returns the version of this code; of a checkout what its setup.cfg states, as pip may know an older one.

    Args:
        root: Folder of the code.
    """
    settings = configparser.ConfigParser()
    try:
        settings.read(root / "setup.cfg", encoding="utf-8")
        if settings.get("metadata", "name", fallback=None) == PACKAGE:
            return settings.get("metadata", "version", fallback=None)
    except (configparser.Error, UnicodeDecodeError):
        pass
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


@cache
def git_state(file: Path = Path(__file__)) -> dict[str, str | bool | None]:
    """Returns the commit of the repository that holds a file, and whether all of its files are those of the commit.

    It is looked at once in a process, since the code that runs is the code that was imported.

    Args:
        file: The file.

    Returns:
        `commit` and `clean`; both None where no repository holds the file, or there is no Git.
    """
    file = file.resolve()
    held = _git(file.parent, "ls-files", "--error-unmatch", "--", file.name)
    state = None if held is None else _git(file.parent, "status", "--porcelain=v2", "--branch")
    lines = (state or "").splitlines()
    commits = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    if not commits or commits[0] == "(initial)":
        return {"commit": None, "clean": None}
    return {"commit": commits[0], "clean": all(line.startswith("#") for line in lines)}


def _git(folder: Path, *words: str) -> str | None:
    """Returns what a Git command prints, None if it fails; the repository's own programs are not started."""
    options = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *options, *words],
            **{"capture_output": True, "text": True, "errors": "replace", "timeout": SECONDS, "env": environment},
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
