"""The speedrun with several seeds, beside its peer.

Seconds are counted as the peer counts them: the whitening layer's first values and all training, from an epoch's first
batch to its last; not what is compiled, loaded, saved or evaluated. What saving and everything else of a fit adds is
given apart, and so is the time from the call of `fit` to the first epoch, and that of the test.
"""

import math
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytorch_lightning import Callback

from benchmarks.gpu_parts.airbench import Peer, write_pictures
from benchmarks.gpu_parts.configured import Configured
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import data_flags, on_a_terminal, ratio, show, summarize
from benchmarks.timer import wait_for
from callbacks import DataInitializer

WARM_UP = -1  # seed of the run that does not count
PATIENCE = 150.0  # seconds that the peer may take to compile
QUICK = "--model.widths [8,8,8] --data.batch_size 50 --trainer.max_epochs 2 --trainer.limit_train_batches 4"
QUICK += " --trainer.limit_test_batches 1"


class Clock(Callback):
    """Adds up the seconds of training.

    Attributes:
        training: From each epoch's start to its last batch, in seconds.
        began: When the first epoch started.
        ended: When the last one was over, its checkpoint included.
    """

    def __init__(self, device: Any) -> None:
        self.device = device
        self.training = 0.0
        self.began = self.ended = math.nan

    def _now(self) -> float:
        wait_for(self.device)
        return time.perf_counter()

    def on_train_epoch_start(self, *_: Any) -> None:
        """Starts the clock."""
        self._epoch_began = self._now()
        if math.isnan(self.began):
            self.began = self._epoch_began

    def on_train_epoch_end(self, *_: Any) -> None:
        """Stops it."""
        self.training += self._now() - self._epoch_began

    def on_train_end(self, *_: Any) -> None:
        """Notes the end of all."""
        self.ended = self._now()


class Ours:
    """Runs of a config in this process.

    Args:
        settings: The benchmark's settings.
        folder: Where runs are kept.
        config: The config.
    """

    def __init__(self, settings: Settings, folder: Path, config: str = "speedrun.yaml") -> None:
        more = [*(QUICK.split() if settings.quick else []), *settings.more.split()]
        flags = [*settings.flags, "--trainer.default_root_dir", str(folder), *data_flags(settings.data_dir), *more]
        self.device = settings.device
        self.configured = Configured(config, flags)
        self.configured.datamodule.load_once()
        self.splits = self.configured.datamodule.splits

    def run(self, seed: int) -> dict[str, float]:
        """Trains and tests once; returns seconds and the accuracy."""
        clock = Clock(self.device)
        built = self.configured.build(max(0, seed), clock)
        model, data, trainer = built.model, built.datamodule, built.trainer
        data.splits = dict(self.splits)  # the pictures are read once
        whitening = self._whiten(model, data)
        called = time.perf_counter()
        with on_a_terminal():
            trainer.fit(model, datamodule=data)
            tested = time.perf_counter()
            (found,) = trainer.test(model, datamodule=data, verbose=False)
        return {
            "seed": seed,
            "accuracy": found["test/acc"],
            "seconds": whitening + clock.training,
            "whitening_seconds": whitening,
            "fit_seconds": clock.ended - clock.began,
            "start_seconds": clock.began - called,
            "test_seconds": time.perf_counter() - tested,
        }

    def _whiten(self, model: Any, data: Any) -> float:
        """Sets the first layer as `fit` would, which then finds it done; returns the seconds."""
        seen = SimpleNamespace(datamodule=data, goes_on=False, strategy=SimpleNamespace(root_device=self.device))
        began = time.perf_counter()
        DataInitializer().setup(seen, model, "fit")
        wait_for(self.device)
        return time.perf_counter() - began


def summary(runs: list[dict[str, float]], seconds: str) -> dict[str, Any]:
    """Returns accuracies and seconds of runs.

    Args:
        runs: Their figures.
        seconds: Name of those that count.
    """
    accuracies = [100 * run["accuracy"] for run in runs]
    error = statistics.stdev(accuracies) / math.sqrt(len(runs)) if len(runs) > 1 else None
    return {
        "n": len(runs),
        "accuracy": summarize(accuracies),
        "mean_accuracy": statistics.mean(accuracies),
        "standard_error_of_accuracy": error,
        "seconds": summarize([run[seconds] for run in runs]),
        "runs": runs,
    }


def measure(settings: Settings, found: Findings) -> None:
    """Runs both in turns, and notes every turn."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ours = Ours(settings, place)
        peer = None
        if settings.peer_script is not None:
            write_pictures(ours.splits, place / "peer")
            peer = Peer(settings.peer_script, place / "peer", PATIENCE)
            found.note(peer_compiled=peer.compiled, peer_ready_after_seconds=peer.seconds)
        try:
            _turns(ours, peer, settings.runs, found)
        finally:
            if peer is not None:
                peer.close()


def _turns(ours: Ours, peer: Peer | None, number: int, found: Findings) -> None:
    ours.run(WARM_UP)
    runs: list[dict[str, float]] = []
    others: list[dict[str, float]] = []
    for seed in range(number):
        runs.append(ours.run(seed))
        print(_line(seed, number, "ours", runs[-1]["seconds"], runs[-1]["accuracy"]), flush=True)
        found.note(ours=summary(runs, "seconds"))
        for name in ("fit_seconds", "start_seconds", "whitening_seconds", "test_seconds"):
            found.note(**{name: summarize([run[name] for run in runs])})
        if peer is None:
            continue
        others.append(peer.run(seed))
        print(_line(seed, number, "peer", others[-1]["training_seconds"], others[-1]["accuracy"]), flush=True)
        both = [[run["seconds"] for run in runs], [run["training_seconds"] for run in others]]
        found.note(peer=summary(others, "training_seconds"), seconds_of_peer=ratio(*both))
    show("speedrun: seconds", found.content["ours"]["seconds"])
    show("speedrun: accuracy, %", found.content["ours"]["accuracy"], 2)
    if others:
        show("speedrun: seconds, of the peer's", found.content["seconds_of_peer"], 2)


def _line(seed: int, number: int, who: str, seconds: float, accuracy: float) -> str:
    return f"  {seed + 1}/{number}  {who}  {seconds:8.3f} s  {100 * accuracy:.2f} %"
