"""Processor time of the histograms of every layer, as a share of an epoch of `vgg_bn`.

    python -m benchmarks.histograms --data_dir DIR

`fit --config vgg_bn.yaml --watch.histograms true` makes epochs of a few steps. What the histograms take at the end of
each is divided by as many of its median steps as a whole epoch has, without the validation that an epoch has besides.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.measure import ROOT, data_flags, environment, parser, show, source_of, summarize, write
from callbacks import Watch


class Shares(Callback):
    """Adds a line to a file after each epoch: what its histograms took, in percent of a whole epoch's steps.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._steps: list[float] = []  # seconds of the processor
        self._began = 0.0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Takes the time of the callback that makes the histograms."""
        watch = trainer.builtin(Watch)
        make = watch.on_train_epoch_end

        def timed(trainer: Trainer, pl_module: LightningModule) -> None:
            began = time.process_time()
            make(trainer, pl_module)
            self._write(time.process_time() - began, len(trainer.train_dataloader))

        watch.on_train_epoch_end = timed

    def on_train_batch_start(self, *_: Any) -> None:
        """Takes the time before a step."""
        self._began = time.process_time()

    def on_train_batch_end(self, *_: Any) -> None:
        """Takes the time after a step."""
        self._steps.append(time.process_time() - self._began)

    def _write(self, taken: float, whole: int) -> None:
        share = 100 * taken / (whole * statistics.median(self._steps))
        self._steps = []
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(share)}\n")


def shares(config: str, words: list[str], epochs: int, steps: int) -> list[float]:
    """Returns the percentages of some epochs, the first of which does not count.

    Raises:
        RuntimeError: The command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "shares"
        command = ["cli.py", "fit", "--config", config, *words, "--run_dir", f"{folder}/run"]
        command += ["--watch.histograms", "true", "--trainer.max_epochs", str(epochs + 1)]
        command += ["--trainer.limit_train_batches", str(steps), "--trainer.limit_val_batches", "1"]
        command += ["--trainer.callbacks+=benchmarks.histograms.Shares", f"--trainer.callbacks.path={noted}"]
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, env=environment())
        if done.returncode:
            raise RuntimeError(f"python {' '.join(command)} failed:\n{done.stderr}")
        return [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()][1:]


def main(argv: list[str] | None = None) -> None:
    """Measures and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--config", default="vgg_bn.yaml", help="of the run (default: %(default)s)")
    options.add_argument("--steps", type=int, default=3, help="steps of an epoch (default: %(default)s)")
    arguments = options.parse_args(argv)
    found = shares(arguments.config, data_flags(arguments.data_dir), arguments.pairs, arguments.steps)
    results = {"percent_of_an_epoch": summarize(found)}
    show("percent of an epoch", results["percent_of_an_epoch"])
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
