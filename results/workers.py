"""Makes runs side by side, as far as a time allows."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from core.durations import duration_in_words
from core.errors import RunFailed
from engine.processes.forked_commands import FAULTS, Jobs, share_cores, start_command
from results.runs import Runs
from results.table import Run


@dataclass
class Job:
    """A run that is being made.

    Attributes:
        run: The run.
        commands: What is left for it, each with the run that it belongs to; the first is running.
        process: Its process.
    """

    run: Run
    commands: list[tuple[Run, list[str]]]
    process: BaseProcess


class Workers:
    """Makes runs, some at a time, in processes of their own.

    Runs that were broken off come first, then the others in their order. A run that needs another waits for that one.
    When the time is over or a signal has come, no run is begun, and those under way save themselves.

    Args:
        runs: The folders, and the commands that are left for a run.
        number: How many runs are made at a time. Each has its share of the cores.
        minutes: Time for all. No run is begun whose minutes by the table are more than what is left.
        speed: How many times as fast as the table's minutes a run is.

    Attributes:
        unfinished: Runs that were broken off; the same call goes on with them.
        left_out: Runs that were not begun.
    """

    def __init__(self, runs: Runs, number: int = 1, minutes: float = math.inf, speed: float = 1.0) -> None:
        self.runs = runs
        self.number = number
        self.minutes = minutes
        self.speed = speed
        self.unfinished: list[Run] = []
        self.left_out: list[Run] = []
        self._jobs: Jobs[Job] = Jobs()
        self._failed: set[str] = set()

    @property
    def signum(self) -> int:
        """The signal that ended it, 0 if none has."""
        return self._jobs.signum

    def make(self, chosen: list[Run]) -> Iterator[tuple[Run, RunFailed | None]]:
        """Makes runs; yields each that has ended, with the reason if it failed.

        Raises:
            KeyboardInterrupt: A second Ctrl-C has come; what is running does not save.
        """
        share_cores(self.number)
        self._end = time.monotonic() + 60 * self.minutes
        waiting = sorted(chosen, key=lambda run: not self.runs.is_begun(run))
        ended: list[tuple[Run, RunFailed | None]] = []
        with self._jobs:
            while True:
                ended += [*self._reap(), *self._begin(waiting)]
                if ended:  # one at a time: while the caller is busy with it, others may end
                    yield ended.pop(0)
                elif self._jobs.running:
                    self._jobs.wait()
                else:
                    break
                if self.signum or time.monotonic() >= self._end:
                    self._jobs.stop()
        self.left_out += waiting

    def _begin(self, waiting: list[Run]) -> Iterator[tuple[Run, RunFailed | None]]:
        """Begins runs while there is room, and takes them out of those that wait; yields those with nothing to do."""
        for run in list(waiting):
            if self._is_ending() or len(self._jobs.running) == self.number:
                return
            commands = self.runs.commands(run)
            others = {str(part) for part, _ in commands} - {str(run)}
            if others & {str(part) for part in [*waiting, *self._under_way()]}:
                continue
            waiting.remove(run)
            if failed := others & self._failed:
                yield self._fail(run, RunFailed(f"{run}: needs {failed.pop()}, which failed"))
            elif not commands:
                yield run, None
            elif 60 * (minutes := self._minutes(commands)) > self._end - time.monotonic():
                self.left_out.append(run)
            else:
                print(f"{run}: {f'about {duration_in_words(60 * minutes)}' if minutes else 'goes on'} ...", flush=True)
                self._jobs.running.append(Job(run, commands, self._start(commands)))

    def _reap(self) -> Iterator[tuple[Run, RunFailed | None]]:
        """Goes on with runs whose command has ended; yields those that have no further one."""
        for job in self._jobs.ended():
            code = job.process.exitcode
            (part, command), *job.commands = job.commands
            if code == 0 and job.commands and not self._is_ending():
                job.process = self._start(job.commands)
                continue
            self._jobs.running.remove(job)
            if code == 0 and not job.commands:
                yield job.run, None
            elif self._is_ending() and code not in FAULTS:
                self.unfinished.append(job.run)
            else:
                self._failed.add(str(part))
                yield self._fail(job.run, self.runs.failure(part, command, code))

    def _is_ending(self) -> bool:
        return self._jobs.stopping or self.signum != 0  # a signal may have reached the commands as well

    def _fail(self, run: Run, error: RunFailed) -> tuple[Run, RunFailed]:
        self._failed.add(str(run))
        return run, error

    def _start(self, commands: list[tuple[Run, list[str]]]) -> BaseProcess:
        part, command = commands[0]
        return start_command(command, self.runs.note(part, command))

    def _under_way(self) -> list[Run]:
        return [part for job in self._jobs.running for part in (job.run, *(part for part, _ in job.commands))]

    def _minutes(self, commands: list[tuple[Run, list[str]]]) -> float:
        """Returns the minutes of the runs that commands begin, 0 for those that go on."""
        return sum(part.row.minutes for part, command in commands if "--run_dir" in command) / self.speed
