"""How trials end, by how their processes do."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.runs.free_gpus import NO_FREE_GPU
from engine.runs.trial_file import Trial
from studies.points import Points
from studies.study_file import read_study_file
from studies.study_folder import StudyFolder
from studies.workers import MOST_KILLS, PAUSE, Workers
from tests.results.processes import FOREVER, StandIn

ONE = {"model.lr": {"values": [1]}}


class Started:
    """Processes of trials, which end with codes that are chosen before.

    Args:
        folder: The study's folder.
        points: Its trials.
        monkeypatch: pytest's.
    """

    def __init__(self, folder: StudyFolder, points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.points = folder, points
        self.codes: list[int] = []
        self.looks: float = 0
        self.at_start: Callable[[Path, int], None] = lambda run, attempt: None
        self.attempts = 0
        self.end = "error: the reason\n"
        self.processes: list[StandIn] = []
        monkeypatch.setattr("studies.workers.start_command", self)
        monkeypatch.setattr("studies.workers.LOOK_EVERY", 0.001)

    def __call__(self, argv: list[str], log: Path) -> StandIn:
        self.attempts += 1
        log.write_text(f"words\n{self.end}")
        self.at_start(Path(argv[0]), self.attempts)
        code = self.codes.pop(0) if self.codes else 0
        self.processes.append(StandIn(code, self.looks))
        return self.processes[-1]

    def workers(self, number: int = 1) -> Workers:
        """Returns workers for these trials."""

        def is_over() -> bool:
            trials = self.folder.trials()
            return len(trials) == self.points.total and all(trial.ended for trial in trials)

        def command(trial: Trial) -> list[str]:
            return [str(trial.folder)]

        return Workers(self.folder, lambda: self.folder.take(self.points, None), is_over, command, number)


@pytest.fixture
def started(tmp_path: Path, write_study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Started:
    """The processes of a study of one point with two seeds."""
    folder = StudyFolder(tmp_path / "study")
    folder.describe({"file": {}, "seeds": [], "settings": {}})
    return Started(folder, Points(read_study_file(write_study(parameters=ONE)), [1, 2]), monkeypatch)


def write_summary(run: Path, status: str) -> None:
    """Writes how far a run is."""
    (run / "summary.json").write_text(json.dumps({"status": status}))


@pytest.mark.parametrize(
    ("code", "summary", "status", "reason"),
    [
        (0, "finished", "finished", ""),
        (0, "stopped_early", "stopped_early", ""),
        (1, "diverged", "diverged", "the reason"),
        (1, "failed", "failed", "the reason"),
        (2, "running", "failed", "the reason"),
    ],
)
def test_a_trial_ends_as_its_run_did_and_the_study_goes_on(
    code: int, summary: str, status: str, reason: str, started: Started
) -> None:
    started.codes = [code]
    started.at_start = lambda run, attempt: write_summary(run, summary if attempt == 1 else "finished")
    ended = list(started.workers().make())
    assert [trial.ended["status"] for trial in ended] == [status, "finished"]
    assert ended[0].ended["reason"] == reason
    assert started.folder.trials() == ended


def test_a_run_that_is_killed_goes_on_as_long_as_it_comes_further(started: Started) -> None:
    def save(run: Path, attempt: int) -> None:
        (run / "checkpoints").mkdir(exist_ok=True)
        (run / "checkpoints" / "last.ckpt").touch()
        os.utime(run / "checkpoints" / "last.ckpt", ns=(attempt, attempt))

    started.codes = [-9] * (3 * MOST_KILLS)
    started.at_start = save
    assert [trial.ended["status"] for trial in started.workers().make()] == ["finished", "finished"]
    assert started.attempts == 3 * MOST_KILLS + 2


def test_a_run_that_is_killed_again_and_again_has_ended_so(started: Started) -> None:
    """As by a kernel that has no memory for it."""
    started.codes = [-9] * MOST_KILLS
    first, second = started.workers().make()
    assert first.ended["status"] == "killed"
    assert "as for want of memory" in first.ended["reason"]
    assert second.ended["status"] == "finished"


def test_a_run_that_somebody_stops_goes_on(started: Started) -> None:
    started.codes = [143] * (2 * MOST_KILLS)
    assert [trial.ended["status"] for trial in started.workers().make()] == ["finished", "finished"]


def test_a_run_that_lives_on_without_its_beginner_is_waited_for(started: Started) -> None:
    started.codes = [2, 2]
    started.end = "error: run: in use by another process; wait for it, or start a new run\n"
    assert [trial.ended["status"] for trial in started.workers().make()] == ["finished", "finished"]
    assert started.attempts == 4


@pytest.fixture
def clock(started: Started, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes on by a second whenever there is nothing to do."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)

    def sleep(_: float) -> None:
        clock.now += 1

    clock.sleep = sleep
    monkeypatch.setattr("studies.workers.time", clock)
    return clock


def test_a_trial_that_finds_no_gpu_stays_open_and_is_tried_again_later(
    started: Started, clock: SimpleNamespace
) -> None:
    said = f"--gpus free: 1 needed, 0 found; {NO_FREE_GPU}"
    started.end = f"error: {said}\n"
    started.codes = [2]
    workers = started.workers()
    assert [trial.ended["status"] for trial in workers.make()] == ["finished", "finished"]
    assert started.attempts == 3
    assert clock.now == 1000 + PAUSE
    assert workers.lacking == said


def test_a_gpu_that_a_trial_leaves_is_for_the_next_of_its_worker(started: Started, clock: SimpleNamespace) -> None:
    """While the worker that found none waits: it would take up, and lose, one trial after the other."""
    started.end = f"error: {NO_FREE_GPU}\n"
    started.codes = [0, 2]
    assert [trial.number for trial in started.workers(2).make()] == [0, 1]
    assert started.attempts == 3
    assert clock.now == 1000


@pytest.mark.parametrize("code", [0, 2, -9])
def test_a_trial_whose_folder_is_removed_while_it_is_made_is_made_anew(code: int, started: Started) -> None:
    """Its process fails at the next thing that it writes; the others of the study were ended with it."""
    started.codes = [code]
    started.at_start = lambda run, attempt: shutil.rmtree(run) if attempt == 1 else None
    ended = list(started.workers().make())
    assert [(trial.number, trial.ended["status"]) for trial in ended] == [(0, "finished"), (1, "finished")]
    assert started.folder.trials() == ended
    assert started.attempts == 3


def test_a_trial_whose_folder_is_removed_is_not_begun_again_beside_its_process(started: Started) -> None:
    claim = started.folder.take(started.points, None)
    shutil.rmtree(claim.trial.folder)
    assert started.folder.take(started.points, None) is None
    assert started.folder.trials() == []
    claim.release()
    assert started.folder.take(started.points, None).trial.number == 0


def test_as_many_run_at_a_time_as_asked_for(started: Started) -> None:
    started.looks = 3
    workers = started.workers(2)
    assert len(list(workers.make())) == 2
    assert started.attempts == 2


def test_a_signal_lets_all_save_themselves_and_leaves_the_rest_open(started: Started) -> None:
    started.looks = FOREVER
    started.at_start = lambda run, attempt: os.kill(os.getpid(), signal.SIGTERM) if attempt == 1 else None
    workers = started.workers(2)
    assert list(workers.make()) == []
    assert workers.signum == signal.SIGTERM
    assert [process.signals for process in started.processes] == [1]
    assert [trial.ended for trial in started.folder.trials()] == [None]
    started.looks = 0
    assert len(list(started.workers().make())) == 2  # the claims are given back


@pytest.mark.parametrize("code", [138, -10])
def test_a_trial_that_the_common_signal_has_ended_first_was_not_killed(code: int, started: Started) -> None:
    """As SLURM sends it to all processes of a job, before the study has looked."""
    started.codes = [code]
    started.at_start = lambda run, attempt: os.kill(os.getpid(), signal.SIGUSR1)
    workers = started.workers()
    assert list(workers.make()) == []
    assert workers.signum == signal.SIGUSR1
    (trial,) = started.folder.trials()
    assert (trial.ended, trial.kills) == (None, 0)


def test_what_another_process_has_is_waited_for_and_taken_over_after_its_end(started: Started) -> None:
    other = [started.folder.take(started.points, None) for _ in range(2)]
    workers = started.workers()
    looks = 0
    is_over = workers.is_over

    def look() -> bool:
        nonlocal looks
        looks += 1
        if looks == 3:
            for claim in other:
                claim.release()
        return is_over()

    workers.is_over = look
    assert [trial.number for trial in workers.make()] == [0, 1]
