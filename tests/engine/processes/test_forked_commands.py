"""A command in a process of its own is as if it had been typed."""

import json
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from core.errors import InputError, RunFailed
from core.processes.signals import StopRequest
from datamodules.base import shared_data
from engine.processes import forked_commands, forkserver_preload
from engine.processes.forked_commands import LOOK_EVERY, Jobs, call, share_cores, start_command
from tests.processes import ROOT
from tests.tiny import TinyDataModule


def test_mistakes_are_in_the_log_behind_what_it_holds(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    process = start_command(["fit", "--config", "nothing.yaml"], log)
    process.join(60)
    assert process.exitcode == 2
    first, last = log.read_text().splitlines()
    assert first == "before"
    assert last.startswith("error: --config nothing.yaml: no such file")


def test_a_notebooks_run_can_start_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The main module that `%run` makes has a file, and no `__spec__`."""
    main = ModuleType("__main__")
    del main.__spec__
    main.__file__ = str(ROOT / "cli.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert call(os.path.basename, "a/b") == "b"


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


def end_twice() -> int:
    """Gets a signal as one of a group, and once more from the process that has started this one; returns the first."""
    request = StopRequest()
    request.listen()
    signal.raise_signal(signal.SIGTERM)
    time.sleep(LOOK_EVERY)
    signal.raise_signal(signal.SIGTERM)
    return request.signum


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_signal_that_is_passed_on_to_a_command_that_has_it_is_no_second_one() -> None:
    assert call(end_twice) == signal.SIGTERM


def test_processes_share_the_cores_unless_the_user_has_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_commands, "cores", lambda: 16)
    for number, threads in ((1, None), (3, "5"), (99, "1")):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        share_cores(number)
        assert forked_commands.os.environ.get("OMP_NUM_THREADS") == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    share_cores(4)
    assert forked_commands.os.environ["OMP_NUM_THREADS"] == "7"


def refuse(reason: str) -> None:
    """Refuses something."""
    raise InputError(reason)


def end_by(signum: int) -> None:
    """Ends this process by a signal."""
    os.kill(os.getpid(), signum)


def test_a_function_of_another_process_returns_refuses_fails_or_is_killed() -> None:
    assert call(json.loads, '{"a": [1]}') == {"a": [1]}
    with pytest.raises(InputError, match="no such file"):
        call(refuse, "no such file")
    with pytest.raises(RunFailed, match="ValueError: invalid literal for int"):
        call(int, "one")
    with pytest.raises(RunFailed, match="end_by: its process was ended by signal 9"):
        call(end_by, signal.SIGKILL)


@pytest.mark.parametrize(("system", "method"), [("linux", "forkserver"), ("darwin", "spawn"), ("win32", "spawn")])
def test_processes_are_forked_where_libraries_stand_it(
    system: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert runpy.run_path(forked_commands.__file__)["_METHOD"] == method


@pytest.mark.parametrize(("system", "ended_early"), [("linux", 1), ("win32", 0)])
def test_ctrl_c_lets_every_process_save_also_where_a_terminal_tells_them(
    system: str, ended_early: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    process = SimpleNamespace(terminate=lambda: ended.append("early"), join=lambda: ended.append("joined"))
    monkeypatch.setattr(forked_commands, "sys", SimpleNamespace(platform=system))
    with Jobs() as jobs:
        jobs.running.append(SimpleNamespace(process=process))
        signal.raise_signal(signal.SIGINT)
        jobs.stop()
        jobs.stop()
        assert ended.count("early") == ended_early
        assert jobs.stopping
    assert ended[-2:] == ["early", "joined"]


@pytest.mark.parametrize(("threads", "shares"), [(1, True), (2, False)])
def test_data_is_loaded_before_forks_where_no_thread_is_lost(
    threads: int, shares: bool, config: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_data, "_loaded", {})
    monkeypatch.setattr(forkserver_preload.torch, "get_num_threads", lambda: threads)
    forkserver_preload.load_shared_data(["fit", "--config", str(config), "--data.batch_size", "20"])
    assert len(shared_data._loaded) == shares
    forkserver_preload.load_shared_data(["fit", "--config", "nothing.yaml"])  # the command says what is wrong
    loads = []
    load = TinyDataModule.load
    monkeypatch.setattr(TinyDataModule, "load", lambda self: loads.append(1) or load(self))
    code, _, errors = command("fit", "--config", config, "--data.batch_size", 20, "--trainer.max_steps", 1)
    assert code == 0, errors
    assert len(loads) == (not shares)
