"""The record of a run: `metrics.csv`, a row for an epoch and for a validation within one, and `summary.json`."""

import contextlib
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from callbacks.description import data_facts, measured_data, samples_per_batch
from callbacks.exact_resume import saved_optimizer_steps
from callbacks.logged_values import LoggedValues, log_point
from callbacks.nan_guard import Diverged
from callbacks.run_facts import ENDINGS, ENDINGS_BY_STOP, ending_by, now, other_signatures, summary_of_begun
from callbacks.tensorboard_events import cut_events, flush_boards
from core.epochs import is_epoch_over, is_stopping
from core.errors import RunFailed
from core.files.atomic_files import locked, write_atomically
from core.files.files_in_use import passing_over_files_in_use
from core.metric_rows import MetricRows
from core.run_layout import CONFIG
from core.summary import SUMMARY, add_measured, checkpoint_name, read_summary, write_summary
from datamodules.base.data_module import DataModule
from lightning_modules.optimizers import learning_rates

MEASURED_PARTS = {"tests": "test", "validations": "val"}  # which are measured, by the list of the summary that tells it


class Record(Checkpoint):  # a base for which Lightning calls it after the model has logged, before RunCheckpoint saves
    """Writes what a run was and what came of it, at its start, after every epoch, at its end, and after a test."""

    def __init__(self) -> None:
        self.table = MetricRows()
        self.summary: dict[str, Any] = {}
        self._seconds = {"total": 0.0, "fit": 0.0}  # before this process, for a resumed run
        self._samples = 0  # of this fit
        self._batch_size: int | None = None  # samples of a training batch over all processes, where that is known
        self._place: tuple[int, int] | None = None  # epoch and step of the checkpoint that was loaded last
        self._boards_end: int | None = None  # step of the checkpoint that this fit goes on from
        self._epoch_end: tuple[int, int] | None = None  # epoch and step of this trainer's latest end of an epoch
        self._validated_at: int | None = None  # step of this epoch's latest validation that has a row of its own
        self._shares_row = False  # whether this epoch's latest validation stands in the epoch's row
        self._began = time.monotonic()
        self._fit_began: float | None = None
        self._fit_ended: float | None = None
        self._is_fitting = False
        self._origin: Any = None  # where the run comes from
        self._leaves_earlier = False  # whether what an earlier fit has recorded of the run stays as it is so far
        self.has_trained = False  # whether this fit has made a step, until which it leaves nothing behind

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of `metrics.csv`."""
        return self.table.rows

    @property
    def has_begun(self) -> bool:
        """Whether a fit has come as far as training."""
        return self._fit_began is not None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Takes up the record of a run that is continued or measured."""
        if stage == "fit":
            self._boards_end = self._fit_ended = None
            if self.has_begun:  # an earlier fit of this trainer, whose seconds are in the summary
                self._began = time.monotonic()
            trainer.share_run_folder()
            trainer.checkpoint_callback.when_saved = lambda trainer: self._write_summary(trainer, "running")
        path = self._path(trainer)
        if path is not None and (path / SUMMARY).exists():
            self.summary = read_summary(path / SUMMARY)
            self._seconds = dict(self.summary.get("seconds", self._seconds))
        if path is not None:
            self.table.read(path)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps which of the epoch's validations so far has a row."""
        checkpoint["epoch_validated_at"] = self._validated_at
        flush_boards(trainer.loggers)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Drops the rows of epochs that a resumed run will go through again."""
        steps = saved_optimizer_steps(checkpoint)
        self._place = checkpoint["epoch"], steps
        if trainer.state.fn == "fit":
            self.table.cut(steps)
            has_row = checkpoint.get("epoch_validation_has_row", checkpoint.get("epoch_validated_at") is not None)
            until = steps if has_row else steps - 1  # in earlier releases; rows before the last step are of validations
            self._validated_at, self._shares_row = checkpoint.get("epoch_validated_at", until), not has_row
            self._boards_end = steps

    def measured_at(self, trainer: Trainer) -> tuple[int, int] | None:
        """Returns epoch and step of the weights that are measured, or None where they are of no training here."""
        if trainer.ckpt_path and self._place:
            return self._place
        if not self.has_begun:
            return None
        step = trainer.optimizer_steps
        # Lightning counts an epoch that is over as done, and so names the next one
        is_at_end = self._epoch_end is not None and self._epoch_end[1] == step
        return self._epoch_end if is_at_end else (trainer.current_epoch, step)

    def owes_an_end(self, trainer: Trainer) -> bool:
        """Returns whether the run was killed after its last checkpoint, before its end was written down."""
        return self._path(trainer) is not None and self.summary.get("status", ENDINGS[0]) not in ENDINGS

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins the record; that of a run which goes on changes with its first step, as its last checkpoint does."""
        self._fit_began, self._fit_ended, self._samples = time.monotonic(), None, 0
        self._is_fitting, self.has_trained = True, False
        done = trainer.fit_loop.epoch_progress.current.processed
        logged = trainer.builtin(LoggedValues).of_validations
        ended = self.rows if is_stopping(trainer) else self.table.reopen(done, logged, self._validated_at)
        self._batch_size = samples_per_batch(trainer)
        self._origin = trainer.describe_origin()
        self.summary = summary_of_begun(self.summary, trainer, pl_module, self._origin, ended)
        self._leaves_earlier = (path := self._path(trainer)) is not None and (path / SUMMARY).exists()
        if not self._leaves_earlier:
            self._write_begun(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins an epoch; a run resumed within one does not come here."""
        self._validated_at = None
        flush_boards(trainer.loggers)  # Lightning logs an epoch after its checkpoint is saved

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Writes down that the run goes on, and gives the loggers a point of the learning curve now and then."""
        if batch is None:  # which the loop leaves out
            return
        if not self.has_trained:
            self.has_trained = True
            trainer.checkpoint_callback.go_back(trainer)  # first: rows that are cut too late are cut again
            if self._leaves_earlier:
                self._write_begun(trainer)
        self._samples += self._batch_size or 0
        every = trainer.log_every_n_steps
        if trainer.loggers and every and trainer.optimizer_steps % every == 0 and trainer.batch_stepped:
            log_point(trainer, outputs)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Adds the figures of `validate` to the summary; those of a fit come with its epoch."""
        if trainer.state.fn == "validate":
            self._add_measured(trainer, "validations")
        elif not trainer.sanity_checking:
            self._shares_row = is_epoch_over(trainer) or trainer.builtin(LoggedValues).validates_for_stop
            if trainer.epoch_validation and not self._shares_row:
                self._validated_at = trainer.optimizer_steps
                self._add_row(trainer, trainer.epoch_validation)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Adds the epoch's row; the summary is written once RunCheckpoint has saved the epoch."""
        metrics = trainer.builtin(LoggedValues).of_epoch(trainer)
        elsewhere = () if self._shares_row else trainer.epoch_validation
        self._add_row(trainer, {name: value for name, value in metrics.items() if name not in elsewhere})
        self._epoch_end = trainer.current_epoch, trainer.optimizer_steps
        self.summary["last"] = {"epoch": trainer.current_epoch, "step": trainer.optimizer_steps, "metrics": metrics}
        self.summary["data"] = data_facts(trainer)  # another package may load its validation part only now

    def add_at_end(self, figures: dict[str, float]) -> None:
        """Adds what a callback has measured of the trained network, at the end of training, to the last epoch's."""
        if (last := self.summary.get("last")) is not None:
            self.summary["last"] = last | {"metrics": last["metrics"] | figures}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes the time; what other callbacks do at the end is not training."""
        self._fit_ended = time.monotonic()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes how the run ended well, now that all that belongs to its end is done."""
        self._is_fitting = False
        if self._fit_ended is not None:
            stop = trainer.checkpoint_callback.stop(trainer)
            self._write_summary(trainer, "finished" if stop is None else ENDINGS_BY_STOP[stop.by], ended=True)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Writes how the run ended badly; a fit that fails before its first step leaves an earlier run's record."""
        if not self._is_fitting:  # but measures, or has not come as far as training
            return
        self._is_fitting = False
        if self._leaves_earlier and not isinstance(exception, Diverged):
            return
        with contextlib.suppress(RunFailed):  # on a full disk what has failed matters more
            self.summary["interrupted"] = True
            self._write_summary(trainer, ending_by(exception), ended=True)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Adds the test's figures to the summary."""
        self._add_measured(trainer, "tests")

    def _add_measured(self, trainer: Trainer, block: str) -> None:
        path = self._path(trainer)
        if path is None or not trainer.is_global_zero or not (path / SUMMARY).exists():
            return
        checkpoint = trainer.ckpt_path and checkpoint_name(Path(trainer.ckpt_path), path)
        epoch, step = self.measured_at(trainer) or (None, None)
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        entry = {"checkpoint": checkpoint, "epoch": epoch, "step": step, "metrics": measured}
        entry |= measured_data(trainer, MEASURED_PARTS[block])
        with locked(path):  # the run may be going on in another process
            summary = read_summary(path / SUMMARY)
            entry |= other_signatures(trainer.lightning_module, summary)
            self.summary = summary | {block: add_measured(summary.get(block, []), entry)}
            write_summary(path / SUMMARY, self.summary)

    def _path(self, trainer: Trainer) -> Path | None:
        return trainer.run_folder.path if trainer.run_folder is not None else None

    def _write_begun(self, trainer: Trainer) -> None:
        """Writes the record of a run that has begun, or goes on."""
        self._leaves_earlier = False
        if (path := self._path(trainer)) is not None and trainer.is_global_zero:
            write_atomically(path / CONFIG, self._origin.config_text)
            if isinstance(trainer.datamodule, DataModule):
                trainer.datamodule.save_beside(path)
            if self._boards_end is not None:
                cut_events(path / "tensorboard", self._boards_end, trainer.loggers)
        self._write_rows(trainer)
        self._write_summary(trainer, "running")

    def _add_row(self, trainer: Trainer, metrics: dict[str, float]) -> None:
        """Adds a row for what was measured after this step."""
        seconds = round(self._seconds["fit"] + time.monotonic() - self._fit_began, 2)
        where = {"epoch": trainer.current_epoch, "step": trainer.optimizer_steps, "seconds": seconds}
        self.table.add(where | learning_rates(trainer.optimizers) | metrics | where)  # first, and whatever is logged
        self._write_rows(trainer)

    def _write_rows(self, trainer: Trainer) -> None:
        if (path := self._path(trainer)) is not None and trainer.is_global_zero:
            with passing_over_files_in_use("its rows are written with the next, or at the end"):
                self.table.write(path)

    def _write_summary(self, trainer: Trainer, status: str, ended: bool = False) -> None:
        path = self._path(trainer)
        if path is None or not trainer.is_global_zero:
            return
        moment = time.monotonic() if self._fit_ended is None else self._fit_ended
        fit = moment - self._fit_began
        rate = round(self._samples / fit, 1) if self._samples and fit else self.summary.get("samples_per_second")
        self.summary |= {
            "best": trainer.checkpoint_callback.best,
            "status": status,
            "epochs": trainer.fit_loop.epoch_progress.current.processed,
            "steps": trainer.optimizer_steps,
            "seconds": {
                "total": round(self._seconds["total"] + moment - self._began, 1),
                "fit": round(self._seconds["fit"] + fit, 1),
            },
            "samples_per_second": rate,  # that of an earlier fit until this one has trained on some
            "ended": now() if ended else None,
        }
        with locked(path):
            if (path / SUMMARY).exists():  # a test may have been added by another process
                on_disk = read_summary(path / SUMMARY)
                self.summary |= {block: on_disk.get(block, []) for block in MEASURED_PARTS}
            write_summary(path / SUMMARY, self.summary)
        if ended and not self._leaves_earlier:  # the last rows may wait for a program that had the file open
            self._write_rows(trainer)
