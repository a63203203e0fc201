"""What stands in for the processes and the files of runs."""

import json
import math
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path

from engine.trainer import Trainer
from tests.tiny import Slow


class StandIn:
    """A process that has ended, or ends when it has been looked at a few times.

    Args:
        code: Its exit code.
        looks: How often it is still running when somebody looks.
        at_end: What happens when it ends.
        at_look: What happens while it runs.
    """

    def __init__(
        self,
        code: int = 0,
        looks: float = 0,
        at_end: Callable[[], None] = lambda: None,
        at_look: Callable[[], None] = lambda: None,
    ) -> None:
        self.code, self.looks, self.at_end, self.at_look = code, looks, at_end, at_look
        self.signals = 0
        self.sentinel, writing = os.pipe()
        os.close(writing)  # so that whoever waits looks at once

    def __del__(self) -> None:
        os.close(self.sentinel)

    @property
    def exitcode(self) -> int | None:
        """The exit code, once it has ended."""
        if self.looks > 0:
            self.looks -= 1
            self.at_look()
            return None
        self.at_end()
        self.at_end = lambda: None
        return self.code

    def terminate(self) -> None:
        """Ends it, as a run that saves itself."""
        self.signals += 1
        self.code, self.looks, self.at_end = 143, 0, lambda: None

    def join(self) -> None:
        """Does nothing."""


class Commands:
    """Stands in for `start_command`: the commands do nothing but write how far their runs have come.

    Args:
        looks: How often a command is seen running.
        at_look: What happens at each of these times.

    Attributes:
        codes: Exit codes of commands that fail, by name of the command, such as `good/42 fit`.
        started: Names of the commands in their order.
        most: How many ran at the same time, at most.
    """

    def __init__(self, looks: float = 2, at_look: Callable[[], None] = lambda: None) -> None:
        self.looks, self.at_look = looks, at_look
        self.codes: dict[str, int] = {}
        self.started: list[str] = []
        self.processes: list[StandIn] = []
        self.running, self.most = 0, 0

    def __call__(self, argv: list[str], log: Path) -> StandIn:
        """Starts a command."""
        name = f"{log.parent.name}/{log.stem} {argv[0]}"
        self.started.append(name)
        self.running += 1
        self.most = max(self.most, self.running)

        def end() -> None:
            self.running -= 1
            if name not in self.codes:
                summary(log.with_suffix(""), "finished", **({"test/acc": 0.5} if argv[0] == "test" else {}))

        process = StandIn(self.codes.get(name, 0), self.looks, end, self.at_look)
        self.processes.append(process)
        return process


class Tell(Slow):
    """Writes into the run's folder what a process is like, and makes every step take a while."""

    def on_train_start(self, trainer: Trainer, *_: object) -> None:
        """Writes it."""
        told = {
            "argv": sys.argv,
            "leads_its_group": os.getpgrp() == os.getpid(),
            "method": multiprocessing.get_start_method(allow_none=True),
            "threads": os.environ["OMP_NUM_THREADS"],
        }
        (trainer.run_folder.path / "told.json").write_text(json.dumps(told))


FOREVER = math.inf


def summary(path: Path, status: str, **metrics: float) -> None:
    """Writes what a run has come to."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.yaml").touch()
    (path / "summary.json").write_text(json.dumps({"status": status, "tests": [{"step": 1, "metrics": metrics}]}))
