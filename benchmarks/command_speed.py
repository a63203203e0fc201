"""The training speed of the command, measured from within a run of its own process."""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.measure import ROOT
from callbacks.description import samples_per_batch


class Speed(Callback):
    """Measures samples a second over all processes.

    Args:
        path: JSON file for that.
        first: Steps that are left out.
        seconds: Seconds after these at which the run ends, if its steps have not ended it before.
    """

    def __init__(self, path: str, first: int, seconds: float = math.inf) -> None:
        self.path, self.first, self.seconds = Path(path), first, seconds
        self._steps = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Notes the time after the first steps, and after each later one."""
        self._steps += 1
        if self._steps <= self.first:
            self._began = time.perf_counter()
        self._ended = time.perf_counter()
        if self._steps > self.first and self._ended - self._began >= self.seconds:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the speed."""
        if trainer.is_global_zero:
            samples = (self._steps - self.first) * samples_per_batch(trainer)
            self.path.write_text(json.dumps(samples / (self._ended - self._began)))


def samples_per_second(
    config: str,
    words: tuple[str, ...],
    steps: int,
    first: int,
    environment: Mapping[str, str],
    seconds: float = math.inf,
    accelerator: str = "cpu",
) -> float:
    """Trains some steps, by the command in a process of its own.

    Args:
        config: Name of the config.
        words: Settings of the command.
        steps: How many steps are timed.
        first: How many are made before.
        environment: Variables beside those of this process.
        seconds: Seconds after which the timing ends, if the steps have not been made by then.
        accelerator: What computes, by Lightning's name.

    Returns:
        Samples a second.

    Raises:
        RuntimeError: The command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "speed.json"
        command = ["cli.py", "fit", "--config", config, "--run_dir", f"{folder}/run", *words]
        command += ["--trainer.accelerator", accelerator, "--trainer.max_epochs", "-1"]
        command += ["--trainer.max_steps", str(first + steps), "--trainer.limit_val_batches", "0"]
        command += ["--trainer.callbacks+=benchmarks.command_speed.Speed", f"--trainer.callbacks.path={noted}"]
        command += [f"--trainer.callbacks.first={first}", f"--trainer.callbacks.seconds={seconds}"]
        variables = os.environ | environment
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, env=variables)
        if done.returncode:
            raise RuntimeError(f"python {' '.join(command)} failed:\n{done.stderr}")
        return json.loads(noted.read_text())
