"""A command in a process of its own is as if it had been typed."""

import json
import sys
import time
from pathlib import Path

import pytest
from results.processes import share_cores, start_command

from results import processes


def test_mistakes_are_in_the_log_behind_what_it_holds(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    process = start_command(["fit", "--config", "nothing.yaml"], log)
    process.join(60)
    assert process.exitcode == 2
    first, last = log.read_text().splitlines()
    assert first == "before"
    assert last.startswith("error: --config nothing.yaml: no such file")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_run_saves_itself_when_it_is_ended(config: Path, tmp_path: Path) -> None:
    argv = ["fit", "--config", str(config), "--run_dir", "run", "--trainer.callbacks", "tests.results.processes.Tell"]
    process = start_command([*argv, "--trainer.max_epochs", "1000"], tmp_path / "log.txt")
    end = time.monotonic() + 90
    while not Path("run/checkpoints/last.ckpt").exists():
        assert process.exitcode is None, (tmp_path / "log.txt").read_text()
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
    process.terminate()
    process.join(60)
    assert process.exitcode == 143
    assert "interrupted at step" in (tmp_path / "log.txt").read_text()
    told = json.loads(Path("run/told.json").read_text())
    assert told["argv"][1:7] == argv[:6]
    assert Path(told["argv"][0]).name == "cli.py"
    assert told["leads_its_group"]
    assert told["method"] is None  # that of the system
    assert told["threads"] == "1"


def test_processes_share_the_cores_unless_the_user_has_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 16)
    for number, threads in ((1, None), (3, "5"), (99, "1")):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        share_cores(number)
        assert processes.os.environ.get("OMP_NUM_THREADS") == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    share_cores(4)
    assert processes.os.environ["OMP_NUM_THREADS"] == "7"
