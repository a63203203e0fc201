"""Overhead of long runs of short steps: processor time of a step and of an epoch in `fit`, beside a plain loop.

    python -m benchmarks.long_run --mnist_dir DIR --data_dir DIR

Before every sixteen steps of `fit`, with everything on, a plain loop makes as many in the same process, so that both
find the machine alike; what counts is time of the processor, with one thread. A figure of an epoch is the median of
these turns, each the mean of its steps, as metrics add sixteen batches at once. What an epoch costs beside its steps
lies between the end of its last step and the beginning of the next one's first. The unit is that of
`configs/published/cifar2_logistic.yaml`, in batches of 20.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch

from benchmarks.measure import data_settings, on_a_terminal, parser, ratio, show, source_of, summarize, write
from benchmarks.plain_loop import PlainLoop, sgd
from datamodules import CIFAR10DataModule, MNISTDataModule
from datamodules.images.image_data_module import ImageDataModule
from engine.trainer import Trainer
from lightning_modules import MLP, LogisticRegression, ModernLeNet5
from lightning_modules.tasks.image_classifier import ImageClassifier
from lightning_modules.tasks.metrics import MOST_WAITING

TOGETHER = MOST_WAITING  # steps of each, in turns
MICRO, MILLI = 1e6, 1e3


class Case(NamedTuple):
    """A network and its data.

    Attributes:
        network: Makes the network.
        data: The data.
        optimizer: Makes the optimizer.
    """

    network: Callable[[], ImageClassifier]
    data: ImageDataModule
    optimizer: Callable[[Any], torch.optim.Optimizer] = sgd


class Beside(pl.Callback):
    """Makes steps of a plain loop before as many of `fit`, and takes the time of both, in seconds.

    Args:
        loop: The loop.

    Attributes:
        plain: A step of the plain loop in each epoch, the median of its turns.
        fit: That of `fit`.
        epochs: What each epoch has cost beside its steps, but for the last.
    """

    def __init__(self, loop: PlainLoop) -> None:
        self.loop = loop
        self.plain: list[float] = []
        self.fit: list[float] = []
        self.epochs: list[float] = []
        self._ends: list[float] = []  # of the latest steps of `fit`
        self._times: tuple[list[float], list[float]] = [], []  # of a step in this epoch's turns, plain and of `fit`

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        """Makes steps of the plain loop."""
        if batch_idx % TOGETHER:
            return
        if batch_idx == 0 and self._ends:
            self.epochs.append(time.process_time() - self._ends[-1])
        ends = []
        for step in range(batch_idx, min(batch_idx + TOGETHER, trainer.num_training_batches)):
            self.loop.step(step)
            ends.append(time.process_time())
        self._times[0].extend(_step(ends))
        self._ends = []

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Takes the time at the end of a step."""
        self._ends.append(time.process_time())
        if (batch_idx + 1) % TOGETHER and batch_idx + 1 != trainer.num_training_batches:
            return
        self._times[1].extend(_step(self._ends))
        if batch_idx + 1 == trainer.num_training_batches:
            self.plain.append(statistics.median(self._times[0]))
            self.fit.append(statistics.median(self._times[1]))
            self._times = [], []


def _step(ends: list[float]) -> list[float]:
    """Returns the mean of the steps after the first of a turn; none if it has no other."""
    return [(ends[-1] - ends[0]) / (len(ends) - 1)] if len(ends) > 1 else []


def measure(case: Case, epochs: int, steps: int) -> dict[str, Any]:
    """Trains a network for some epochs, the first of which does not count, and returns its figures."""
    case.data.setup("fit")
    loop = PlainLoop(network := case.network(), case.data, case.optimizer, loss=network.loss)
    beside = Beside(loop)
    with tempfile.TemporaryDirectory() as folder, on_a_terminal():
        model = case.network()
        model.make_optimizer = case.optimizer
        trainer = Trainer(
            max_epochs=epochs + 1,
            limit_train_batches=steps,
            precision="32-true",
            accelerator="cpu",
            callbacks=[beside],
            default_root_dir=folder,
        )
        trainer.fit(model, case.data)
    plain, fit, cost = beside.plain[1:], beside.fit[1:], beside.epochs[1:]
    return {
        "microseconds_a_step": {
            "raw": summarize([MICRO * one for one in plain]),
            "full": summarize([MICRO * one for one in fit]),
        },
        "microseconds_over_raw": summarize([MICRO * (ours - raw) for ours, raw in zip(fit, plain, strict=True)]),
        "full_of_raw": ratio(plain, fit),  # of speeds
        "milliseconds_an_epoch": summarize([MILLI * one for one in cost]),
    }


def main(argv: list[str] | None = None) -> None:
    """Measures all networks and writes the record."""
    options = parser(__doc__, pairs=20)
    options.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--steps", type=int, default=80, help="steps an epoch (default: %(default)s)")
    options.add_argument("--only", nargs="+", help="names of networks")
    arguments = options.parse_args(argv)
    two = {"classes": ["airplane", "automobile"], "batch_size": 20, "val_size": 0, "normalization": "symmetric"}
    wiring = {"objective": "squared_error", "initializer": "normal", "initializer_scale": 1.0}

    def mnist() -> MNISTDataModule:
        return MNISTDataModule(**data_settings(arguments.mnist_dir), batch_size=128)

    cases = {
        "unit": lambda: Case(
            lambda: LogisticRegression(**wiring),
            CIFAR10DataModule(**data_settings(arguments.data_dir), **two),
            torch.optim.Adam,
        ),
        "mlp": lambda: Case(lambda: MLP(10, 1, 28), mnist()),
        "lenet5": lambda: Case(lambda: ModernLeNet5(10, 1, 28), mnist()),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    results = {}
    for name in arguments.only or cases:
        results[name] = measure(cases[name](), arguments.pairs, arguments.steps)
        show(f"{name}: full of raw", results[name]["full_of_raw"])
        show(f"{name}: microseconds a step over raw", results[name]["microseconds_over_raw"], 0)
        show(f"{name}: milliseconds an epoch", results[name]["milliseconds_an_epoch"], 1)
    write(__file__, results, arguments, source_of(arguments.mnist_dir and arguments.data_dir))
    torch.set_num_threads(threads)


if __name__ == "__main__":
    main()
