"""Successive halving: a run ends early if others of its study were better after as many epochs."""

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from signal import SIGTERM

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from core.epochs import is_finished
from core.errors import RunInterrupted
from core.measures import merit
from core.metric_rows import NAME
from core.summary import read_summary
from core.terminal.console import print_line
from core.terminal.printable import counted

Note = Callable[[int, float, float], None]


class SuccessiveHalving(Checkpoint):
    """Compares a run with others after given numbers of epochs, and ends it, saved, if it is not among the best.

    The rule is that of asynchronous successive halving: of all runs that have come as far, the one in `eta` that is
    best goes on, and at least the very best. (Its base class, and its place behind RunCheckpoint, have Lightning call
    it once the epoch is saved.)

    Args:
        others: Returns the folders of the other runs.
        metric: Logged name of the value that is compared, at its best so far.
        mode: Whether less (`min`) or more (`max`) of it is better.
        epochs: Numbers of epochs after which runs are compared.
        eta: One of so many goes on.
        note: Is told the number of epochs, the run's value, and the one that it had to reach.
    """

    def __init__(
        self,
        others: Callable[[], Iterable[Path]],
        metric: str,
        mode: str,
        epochs: Sequence[int],
        eta: float,
        note: Note,
    ) -> None:
        self.others, self.metric, self.mode, self.epochs, self.eta, self.note = others, metric, mode, epochs, eta, note

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compares the run.

        Raises:
            RunInterrupted: It is not among the best.
        """
        done = trainer.current_epoch + 1
        if done not in self.epochs or is_finished(trainer):
            return
        is_worse = False
        if trainer.is_global_zero:
            value = best_after(trainer.run_folder.path, self.metric, self.mode, done)
            known = [best_after(folder, self.metric, self.mode, done) for folder in self.others()]
            own = math.nan if value is None else value
            bar = bar_to_reach([own, *(other for other in known if other is not None)], self.eta, self.mode)
            is_worse = not _reaches(own, bar, self.mode)
            if is_worse:
                self.note(done, own, bar)
                print_line(
                    f"pruned after {counted(done, 'epoch')}: {self.metric} {own:.4g}, where {bar:.4g} is needed to "
                    "go on"
                )
        if trainer.strategy.broadcast(is_worse):
            raise RunInterrupted(SIGTERM)


def best_after(run: Path, metric: str, mode: str, epochs: int) -> float | None:
    """Returns a run's best value in its first epochs; None if it has not come as far, NaN without a finite value."""
    try:
        with open(run / NAME, newline="", encoding="utf-8") as file:
            rows = [(int(row["epoch"]), row.get(metric)) for row in csv.DictReader(file)]
        values = [float(value) for epoch, value in rows if epoch < epochs and value]
        done = _epochs_done(run)
    except (OSError, ValueError, TypeError, KeyError):  # not begun, or damaged
        return None
    if done is None:  # a row is all there is to go by, although it may be of a validation within its epoch
        done = max((epoch + 1 for epoch, _ in rows), default=0)
    if done < epochs:
        return None
    finite = [value for value in values if math.isfinite(value)]
    return max(finite, key=lambda value: merit(value, mode), default=math.nan)


def _epochs_done(run: Path) -> int | None:
    """Returns how many epochs a run has done, None if its summary is missing or does not say."""
    path = run / "summary.json"
    return read_summary(path).get("epochs") if path.exists() else None


def bar_to_reach(values: list[float], eta: float, mode: str) -> float:
    """Returns the value that a run has to reach among those of all: that of the last that goes on.

    Args:
        values: Values of all runs, its own among them; NaN for one without any.
        eta: One of so many goes on, at least one.
        mode: Whether less (`min`) or more (`max`) is better.
    """
    finite = [value for value in values if math.isfinite(value)]
    finite.sort(key=lambda value: merit(value, mode), reverse=True)
    going_on = max(1, int(len(values) // eta))
    return finite[min(going_on, len(finite)) - 1] if finite else math.nan


def _reaches(value: float, bar: float, mode: str) -> bool:
    """Returns whether a value is as good as another; where no run has one, each goes on."""
    return math.isnan(bar) or merit(value, mode) >= merit(bar, mode)
