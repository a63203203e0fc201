"""Training speed of two processes with one thread each, compared with one process with two.

    python -m benchmarks.ddp --data_dir DIR

Both train `vgg_bn.yaml` by the command, on one machine, with the same global batch; two processes exchange gradients by
gloo. Images a second are taken between steps of one epoch, the first few left out.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.measure import ROOT, by_turns, data_flags, parser, ratio, show, source_of, spread, write

TWO_PROCESSES = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
CONTENDERS = {  # threads of each process, and settings of the command
    "one_process": (2, ("--trainer.devices", "1")),
    "two_processes": (1, TWO_PROCESSES),
}


class Speed(Callback):
    """Measures images a second over all processes.

    Args:
        path: JSON file for that.
        first: Steps that are left out.
    """

    def __init__(self, path: str, first: int) -> None:
        self.path, self.first = Path(path), first

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Starts the clock after the first steps, and writes the speed after each later one."""
        now = time.perf_counter()
        steps = batch_idx + 1 - self.first
        if steps == 0:
            self.began = now
        elif steps > 0 and trainer.is_global_zero:
            self.path.write_text(json.dumps(steps * trainer.datamodule.batch_size / (now - self.began)))


def images_per_second(threads: int, words: tuple[str, ...], steps: int, first: int) -> float:
    """Trains some steps.

    Args:
        threads: Of each process.
        words: Settings of the command.
        steps: How many are timed.
        first: How many are made before.

    Returns:
        Images a second.

    Raises:
        RuntimeError: The command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "speed.json"
        command = ["cli.py", "fit", "--config", "vgg_bn.yaml", "--run_dir", f"{folder}/run", *words]
        command += ["--trainer.accelerator", "cpu", "--trainer.max_epochs", "1"]
        command += ["--trainer.limit_train_batches", str(first + steps), "--trainer.limit_val_batches", "0"]
        command += ["--trainer.callbacks+=benchmarks.ddp.Speed", f"--trainer.callbacks.path={noted}"]
        command += [f"--trainer.callbacks.first={first}"]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise RuntimeError(f"python {' '.join(command)} failed:\n{done.stderr}")
        return json.loads(noted.read_text())


def main(argv: list[str] | None = None) -> None:
    """Measures both in turns and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--steps", type=int, default=12, help="steps that are timed (default: %(default)s)")
    options.add_argument("--first", type=int, default=3, help="steps before, which are not (default: %(default)s)")
    options.add_argument("--settings", default="", help="more settings of every run, in one string")
    arguments = options.parse_args(argv)
    data = data_flags(arguments.data_dir)
    runs = {
        name: lambda threads=threads, words=words: images_per_second(
            threads, (*words, *data, *arguments.settings.split()), arguments.steps, arguments.first
        )
        for name, (threads, words) in CONTENDERS.items()
    }
    figures = by_turns(runs, arguments.pairs, "images/s", warm_up=0)  # a separate process each
    results = {
        "images_per_second": {name: spread(values) for name, values in figures.items()},
        "two_processes_of_one": ratio(figures["two_processes"], figures["one_process"]),
    }
    show("two processes of one", results["two_processes_of_one"])
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
