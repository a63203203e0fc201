"""Several runs at a time, what they wait for, and how a time ends them."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from results.runs import Runs
from results.table import Run, Table
from results.table_file import read_table
from results.workers import Workers
from tests.results.processes import FOREVER, Commands, StandIn, summary


@pytest.fixture
def runs(folder: Path) -> Runs:
    """The folders of the runs of a table."""
    return Runs(Path("made"), read_table(folder / "table.yaml"))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The commands that are started, which do nothing."""
    started = Commands()
    monkeypatch.setattr("results.workers.start_command", started)
    return started


@pytest.fixture
def clock(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes on by a minute whenever a command is seen running."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)

    def go_on() -> None:
        clock.now += 60

    commands.at_look = go_on
    monkeypatch.setattr("results.workers.time", clock)
    return clock


def names(runs: list[Run]) -> list[str]:
    """Returns runs in words."""
    return [str(run) for run in runs]


def from_weights(table: Table, *rows: str) -> list[Run]:
    """Returns runs of rows that start from the weights of the row `long`."""
    return [Run(replace(table[name], weights_from="long"), 42) for name in rows]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_as_many_run_at_a_time_as_asked_for(number: int, runs: Runs, commands: Commands) -> None:
    chosen = [Run(runs.table["good"], seed) for seed in range(5)]
    ended = list(Workers(runs, number).make(chosen))
    assert sorted(str(run) for run, error in ended if error is None) == names(chosen)
    assert commands.most == number
    begun = [name for name in commands.started if name.endswith("fit")]
    assert begun == [f"{run} fit" for run in chosen]
    assert sorted(commands.started) == sorted(f"{run} {command}" for run in chosen for command in ("fit", "test"))


def test_a_run_that_fails_leaves_the_others_alone(runs: Runs, commands: Commands) -> None:
    commands.codes = {"good/0 fit": 1, "good/1 test": -9}
    chosen = [Run(runs.table["good"], seed) for seed in range(3)]
    errors = {str(run): error and str(error) for run, error in Workers(runs, 2).make(chosen)}
    assert errors == {
        "good/0": "good/0: fit failed: $ python cli.py fit --config "
        f"{runs.table['good'].config} --seed_everything 0 --run_dir made/good/0 --trainer.enable_progress_bar false "
        "(all of it in made/good/0.log)",
        "good/1": "good/1: test failed: ended by signal 9 (all of it in made/good/1.log)",
        "good/2": None,
    }


def test_a_run_waits_for_the_weights_that_it_starts_from(runs: Runs, commands: Commands) -> None:
    chosen = [*from_weights(runs.table, "good"), Run(runs.table["long"], 42)]
    assert [error for _, error in Workers(runs, 2).make(chosen)] == [None, None]
    assert commands.started == ["long/42 fit", "long/42 test", "good/42 fit", "good/42 test"]


def test_weights_that_two_runs_start_from_are_made_once(runs: Runs, commands: Commands) -> None:
    assert [error for _, error in Workers(runs, 2).make(from_weights(runs.table, "good", "bad"))] == [None, None]
    assert commands.started.count("long/42 fit") == 1
    assert "long/42 test" not in commands.started  # nobody asked for it


@pytest.mark.parametrize("asked_for", [True, False])
def test_a_run_whose_weights_failed_is_not_begun(asked_for: bool, runs: Runs, commands: Commands) -> None:
    commands.codes = {"long/42 fit": 1}
    chosen = [*from_weights(runs.table, "good", "bad"), *([Run(runs.table["long"], 42)] if asked_for else [])]
    errors = [str(error) for _, error in Workers(runs, 2).make(chosen)]
    assert commands.started == ["long/42 fit"]
    assert len(errors) == len(chosen)
    assert "bad/42: needs long/42, which failed" in errors


def test_no_run_is_begun_that_would_outlast_the_time(runs: Runs, commands: Commands, clock: SimpleNamespace) -> None:
    chosen = [Run(runs.table["good"], seed) for seed in range(3)] + [Run(runs.table["long"], 42)]
    workers = Workers(runs, minutes=9)  # each of them takes two minutes for each command
    assert names([run for run, _ in workers.make(chosen)]) == ["good/0", "good/1"]
    assert names(workers.left_out) == ["good/2", "long/42"]
    assert workers.unfinished == []
    faster = Workers(runs, minutes=9, speed=100)
    assert names([run for run, _ in faster.make(chosen[2:])]) == ["good/2", "long/42"]


def test_what_runs_when_the_time_is_over_saves_itself(runs: Runs, commands: Commands, clock: SimpleNamespace) -> None:
    commands.looks = FOREVER
    chosen = [Run(runs.table["good"], seed) for seed in range(3)]
    workers = Workers(runs, 2, minutes=5)
    assert list(workers.make(chosen)) == []
    assert names(workers.unfinished) == ["good/0", "good/1"]
    assert names(workers.left_out) == ["good/2"]
    assert [process.signals for process in commands.processes] == [1, 1]
    assert workers.signum == 0


def test_a_run_that_was_broken_off_goes_on_first_and_whatever_the_time(
    runs: Runs, commands: Commands, clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    good, long = Run(runs.table["good"], 42), Run(runs.table["long"], 42)
    summary(runs.folder(long), "interrupted")
    assert names([run for run, _ in Workers(runs, minutes=20).make([good, long])]) == ["long/42", "good/42"]
    assert capsys.readouterr().out == "long/42: goes on ...\ngood/42: about 2 min ...\n"


def test_a_signal_begins_no_run_and_lets_all_save_themselves(runs: Runs, commands: Commands) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    commands.looks, commands.at_look = FOREVER, lambda: os.kill(os.getpid(), signal.SIGTERM)  # as timeout sends several
    workers = Workers(runs, 2)
    assert list(workers.make([Run(runs.table["good"], seed) for seed in range(3)])) == []
    assert workers.signum == signal.SIGTERM
    assert names(workers.unfinished) == ["good/0", "good/1"]
    assert names(workers.left_out) == ["good/2"]
    assert [process.signals for process in commands.processes] == [1, 1]
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.parametrize("code", [0, 138, -10])
def test_a_run_that_the_common_signal_has_ended_first_goes_on_later(
    code: int, runs: Runs, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(argv: list[str], log: Path) -> StandIn:
        os.kill(os.getpid(), signal.SIGUSR1)
        return commands(argv, log)

    monkeypatch.setattr("results.workers.start_command", start)
    commands.looks = 0
    if code:
        commands.codes = {"good/0 fit": code}
    workers = Workers(runs)
    assert list(workers.make([Run(runs.table["good"], 0)])) == []
    assert names(workers.unfinished) == ["good/0"]
    assert commands.started == ["good/0 fit"]


def test_a_second_signal_does_not_wait(runs: Runs, commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.processes.signals.TOGETHER", 0.0)
    commands.looks, commands.at_look = FOREVER, lambda: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        list(Workers(runs, 2).make([Run(runs.table["good"], seed) for seed in range(2)]))
    assert all(process.signals for process in commands.processes)


def test_a_signal_while_a_run_is_being_started_begins_no_other(
    runs: Runs, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(argv: list[str], log: Path) -> StandIn:
        os.kill(os.getpid(), signal.SIGTERM)
        return commands(argv, log)

    monkeypatch.setattr("results.workers.start_command", start)
    commands.looks = FOREVER
    workers = Workers(runs, 2)
    assert list(workers.make([Run(runs.table["good"], seed) for seed in range(3)])) == []
    assert commands.started == ["good/0 fit"]
    assert names(workers.left_out) == ["good/1", "good/2"]
