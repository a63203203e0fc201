"""Makes the trials of a study side by side."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from core.processes.signals import SIGNALS
from core.run_layout import CHECKPOINTS, LAST
from core.summary import summary_of
from engine.processes.forked_commands import FAULTS, LOOK_EVERY, Jobs, start_command
from engine.runs.free_gpus import NO_FREE_GPU
from engine.runs.trial_file import Trial, ending_of_pruned, read_trial
from studies.claims import Claim
from studies.study_folder import StudyFolder

IN_USE = "in use by another process"  # as a run's folder says it
SAVED = tuple(128 + signum for signum in SIGNALS)  # exit codes of commands that somebody has stopped
PAUSE = 60  # seconds until a worker whose trial has found no GPU begins another
MOST_KILLS = 5  # without coming further, after which a trial has ended


@dataclass
class Job:
    """A trial that is being made.

    Attributes:
        claim: What keeps others from it.
        process: Its process.
        began: When it was started, by a clock of its own.
    """

    claim: Claim
    process: BaseProcess
    began: float


class Workers:
    """Makes trials, some at a time, each in a process of its own.

    Once a signal has come, no trial is begun, and those under way save themselves.

    Args:
        folder: The study's folder.
        take: Takes the next trial; returns None if none is left or others have them all.
        is_over: Returns whether every trial has ended; as long as others have some, this process waits, to go on with
            what is left if they are killed.
        command: Returns the command of a trial.
        number: How many trials are made at a time.

    Attributes:
        lacking: What the latest trial has said that found no free GPU; empty if none has.
    """

    def __init__(
        self,
        folder: StudyFolder,
        take: Callable[[], Claim | None],
        is_over: Callable[[], bool],
        command: Callable[[Trial], list[str]],
        number: int,
    ) -> None:
        self.folder, self.take, self.is_over, self.command, self.number = folder, take, is_over, command, number
        self.lacking = ""
        self._jobs: Jobs[Job] = Jobs()
        self._pauses: list[float] = []  # when they end, of workers whose trial has found no GPU

    @property
    def signum(self) -> int:
        """The signal that ended it, 0 if none has."""
        return self._jobs.signum

    def make(self) -> Iterator[Trial]:
        """Makes trials; yields each that has ended.

        Raises:
            KeyboardInterrupt: A second Ctrl-C has come; what is running does not save.
        """
        try:
            with self._jobs:
                yield from self._until_over()
        finally:
            for job in self._jobs.running:
                job.claim.release()

    def _until_over(self) -> Iterator[Trial]:
        """Makes trials until all have ended, or a signal has come; yields each that has ended."""
        while True:
            yield from self._reap()
            if self.signum:
                self._jobs.stop()
            while self._has_room() and (claim := self.take()) is not None:
                self._jobs.running.append(self._start(claim))
            if self._jobs.running:
                self._jobs.wait()
            elif self.signum or self.is_over():
                return
            else:
                time.sleep(LOOK_EVERY)

    def _has_room(self) -> bool:
        now = time.monotonic()
        self._pauses = [end for end in self._pauses if end > now]
        return not self.signum and len(self._jobs.running) + len(self._pauses) < self.number

    def _start(self, claim: Claim) -> Job:
        log = self.folder.log(claim.trial)
        log.parent.mkdir(exist_ok=True)
        return Job(claim, start_command(self.command(claim.trial), log), time.monotonic())

    def _reap(self) -> Iterator[Trial]:
        """Yields the trials whose processes have ended them, and leaves those to others that are still open."""
        for job in self._jobs.ended():
            self._jobs.running.remove(job)
            job.process.join()
            trial = self._conclude(job)
            job.claim.release()
            if trial.ended is not None:
                yield trial

    def _conclude(self, job: Job) -> Trial:
        """Writes down how a trial's process has ended; returns the trial, which is open if it is to go on."""
        if not job.claim.trial.folder.is_dir():
            return job.claim.trial  # somebody has removed it, by which it is to be made anew
        trial = read_trial(job.claim.trial.folder) or job.claim.trial
        code, said = job.process.exitcode, last_line(self.folder.log(trial))
        if trial.pruned is not None:
            ending = ending_of_pruned(trial)
        elif code == 0:
            ending = {"status": _status(trial.folder), "reason": ""}
        elif code in FAULTS and IN_USE in said:
            return trial  # the run lives on after the end of who began it, and may write into its file
        elif code in FAULTS and said.endswith(NO_FREE_GPU):
            self.lacking = said
            self._pauses.append(time.monotonic() + PAUSE)  # the GPU of a trial that ends is for its worker
            return trial
        elif code in FAULTS:
            ending = _failure(trial, said)
        elif self._jobs.stopping or self.signum or code in SAVED:
            return trial  # it goes on when the command is given again; a signal may have reached its process as well
        else:
            ending = _count_kill(trial)
        if ending is not None:
            trial.ended = ending | {"seconds": round(time.monotonic() - job.began, 1)}
        trial.write()
        return trial


def _failure(trial: Trial, said: str) -> dict[str, Any]:
    """Returns how a trial has ended whose command failed, for the reason that it has said last."""
    status = "diverged" if _status(trial.folder) == "diverged" else "failed"
    return {"status": status, "reason": said.removeprefix(f"{status}: ")}


def _count_kill(trial: Trial) -> dict[str, Any] | None:
    """Counts that a trial's process was killed; returns how the trial has ended if it is once too often, else None."""
    reached = _reached(trial.folder)
    trial.kills = trial.kills + 1 if reached == trial.reached else 1
    trial.reached = reached
    if trial.kills < MOST_KILLS:
        return None
    times = f"{MOST_KILLS} times without coming further"
    return {"status": "killed", "reason": f"its process was killed {times}, as for want of memory"}


def last_line(log: Path) -> str:
    """Returns the last line of what a trial has printed, without `error:` before it."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].removeprefix("error: ") if lines else "nothing was printed"


def _status(run: Path) -> str:
    return summary_of(run).get("status", "finished")


def _reached(run: Path) -> int | None:
    """Returns what tells a run's last checkpoint from earlier ones; None if there is none."""
    try:
        return (run / CHECKPOINTS / LAST).stat().st_mtime_ns
    except OSError:
        return None
