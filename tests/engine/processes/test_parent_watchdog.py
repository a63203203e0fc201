"""The process that commands are forked from ends with its starter, also before it has imported everything."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

BEGINS = """
import sys
from engine.processes import forked_commands
if __name__ == "__main__":
    forked_commands.IMPORTED[1:] = ["endless"]
    forked_commands._make_server()
    sys.stdin.read()
"""
ENDLESS = """
import threading
print("imports", flush=True)
threading.Event().wait(120)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process to fork from")
def test_imports_do_not_outlive_who_has_started_them(tmp_path: Path) -> None:
    """All that are started hold the end of one pipe, which is at its end once they have ended."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    (tmp_path / "begins.py").write_text(BEGINS)
    begun = subprocess.Popen(
        [sys.executable, "begins.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert begun.stdout.readline() == "imports\n"  # the server is where nobody but the watch looks
        begun.kill()
        rest, _ = begun.communicate(timeout=60)  # a server that stays keeps the pipe
    finally:
        begun.kill()
    assert rest == ""
