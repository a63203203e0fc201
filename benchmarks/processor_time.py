"""Time of the processor: what a command and all its descendants take, and what a run takes to train."""

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from benchmarks.measure import ROOT, environment

_ADOPTS_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER of Linux


class TrainingTime(Callback):
    """Adds a line to a file after training: its seconds of the processor.

    They go from the start of the first step to the end of the last one, or of the validation after it.

    Args:
        path: The file, which runs in several processes may share.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._began: float | None = None
        self._ended = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Takes the time before the first step."""
        if self._began is None:
            self._began = time.process_time()

    def on_train_batch_end(self, *_: Any) -> None:
        """Takes the time after a step."""
        self._ended = time.process_time()

    def on_validation_batch_end(self, *_: Any) -> None:
        """Takes the time after a step of validation."""
        self._ended = time.process_time()

    def on_train_end(self, *_: Any) -> None:
        """Writes the line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{self._ended - (self._began or 0.0)}\n")


def processor_seconds(words: list[str], **variables: str) -> float:
    """Returns the seconds of the processor of a Python process in the project's folder, with all its descendants.

    Args:
        words: What follows `python`.
        variables: Environment variables beside those of this process.

    Raises:
        RuntimeError: It failed.
    """
    # a process of its own waits for it, and for descendants that outlive it: they belong to nobody else
    command = [sys.executable, "-m", "benchmarks.processor_time", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment() | variables)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(words: list[str]) -> int:
    """Runs Python, waits for all its descendants, prints their seconds; returns Python's exit code."""
    ctypes.CDLL(None).prctl(_ADOPTS_ORPHANS, 1)
    code = subprocess.run([sys.executable, *words]).returncode
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps(usage.ru_utime + usage.ru_stime))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
