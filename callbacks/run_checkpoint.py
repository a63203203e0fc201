"""A run's checkpoints: `last.ckpt`, from which it resumes exactly, and `best.ckpt`."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from callbacks import exact_resume
from callbacks.early_stopping import EarlyStopping
from callbacks.monitored_value import Watchers, has_finite_measures, is_missing, refuse_missing, value_of_first
from callbacks.stops import Stop, end, find_stop, limits_of, saved_stop
from callbacks.synchronized_signal import SynchronizedSignal
from core import epochs
from core.errors import InputError, RunInterrupted
from core.files.atomic_files import copy_atomically
from core.kept_arguments import KeepsArguments
from core.measures import Mode, choose_monitor, merit
from core.run_layout import BEST, CHECKPOINTS, LAST


class RunCheckpoint(KeepsArguments, Checkpoint):
    """Saves at every epoch's end, every so many steps, and when a signal asks the run to stop.

    It saves at the two moments from which Lightning resumes exactly: after a batch that is not its epoch's last, and
    at the epoch's end after all callbacks that note something of the epoch. (Lightning runs callbacks of this base
    class last.) The best weights are also saved at once after a validation within an epoch.

    Args:
        monitor: Logged value that decides which checkpoint is best, the model's own if not given; with `last`, or
            without such a value or a validation split, the last checkpoint is best.
        mode: Whether more (`max`) or less (`min`) of it is better; the measure's own if not given.
        every_n_train_steps: Save also after so many steps; 0 saves once an epoch.
    """

    def __init__(self, monitor: str | None = None, mode: Mode | None = None, every_n_train_steps: int = 0) -> None:
        if every_n_train_steps < 0:
            raise InputError(f"--checkpoint.every_n_train_steps {every_n_train_steps}: cannot be negative")
        self.keeps_last = monitor == "last"
        self.monitor = self._given = None if self.keeps_last else monitor
        self.mode = self.given_mode = mode
        self.every_n_train_steps = every_n_train_steps
        self.best_score: float | None = None
        self.best_epoch: int | None = None
        self.best: dict[str, Any] | None = None  # epoch, step and validation figures of best.ckpt
        self.when_saved: Callable[[Trainer], None] = lambda trainer: None  # called after every save
        self.lacks_value = False  # whether no validation has logged what is monitored
        self._validated = False
        self._has_best = True  # whether the best checkpoint that a loaded state tells of is in this run's folder
        self._due = False
        self._kept_stop: Stop | None = None  # of the run that goes on
        self.goes_back_to: Path | None = None  # another checkpoint of the run than its last one
        self._stop_request = SynchronizedSignal()
        self._counted = 0, 0  # optimizer steps until the end of the latest batch, and Lightning's `global_step` then

    def optimizer_steps(self, trainer: Trainer) -> int:
        """Returns the number of batches after which weights were updated, whatever number of optimizers there is."""
        if (model := trainer.lightning_module) is None or model.automatic_optimization:
            return trainer.global_step
        # with manual optimization `global_step` counts the steps of all optimizers
        steps, global_step = self._counted
        return steps + (trainer.global_step > global_step)

    def batch_stepped(self, trainer: Trainer) -> bool:
        """Returns whether the current batch has updated weights."""
        if trainer.lightning_module.automatic_optimization:
            return not epochs.is_accumulating(trainer)
        return trainer.global_step > self._counted[1]

    def has_saved(self, trainer: Trainer) -> bool:
        """Returns whether the run has a checkpoint."""
        return (folder := _folder(trainer)) is not None and (folder / LAST).exists()

    def stop(self, trainer: Trainer) -> Stop | None:
        """Returns why the run stops or has stopped before its epochs are over; None if it does not."""
        return self._kept_stop or find_stop(trainer)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Settles on a metric, and checks that it exists."""
        self._kept_stop, self.lacks_value = None, False
        exact_resume.prepare_weights(trainer, pl_module)
        if not self.keeps_last:
            self.monitor, self.mode = choose_monitor("--checkpoint.monitor", self._given, self.given_mode, pl_module)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins to listen to Ctrl-C, SIGTERM and SIGHUP."""
        self._stop_request.listen()
        exact_resume.resume_accumulation(trainer)
        exact_resume.tell_skipped_hooks(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves within an epoch, when it is time or a signal has come.

        Raises:
            InputError: A monitored value has not been logged; the state is saved.
            RunInterrupted: A signal has come, and the state is saved.
        """
        every, steps = self.every_n_train_steps, trainer.optimizer_steps
        self._due |= bool(every) and steps % every == 0 and trainer.batch_stepped
        self._counted = steps, trainer.global_step
        if steps >= trainer.step_limit:
            end(trainer)
        if not (self._due or self._stop_request.signum or trainer.world_size > 1):
            return
        if not epochs.is_within_epoch(trainer):
            return  # the epoch's end follows, and saves
        if epochs.is_accumulating(trainer) or epochs.validation_is_due(trainer):
            return  # not before these gradients are used, or this validation is done: after the next batch
        signum = self._stop_request.agreed(trainer)
        if signum or self._due:
            self._save(trainer, LAST)
            self.when_saved(trainer)
            self._due = False
            refuse_missing(trainer, self._watchers(trainer))
        if signum:
            raise RunInterrupted(signum)

    def go_back(self, trainer: Trainer) -> None:
        """Makes an earlier checkpoint of the run that this fit goes on from the last one, once a step is made."""
        if self.goes_back_to is not None and trainer.is_global_zero:
            copy_atomically(self.goes_back_to, self.goes_back_to.with_name(LAST))
        self.goes_back_to = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes note of a validation, and saves the best one at once where it lies within an epoch."""
        begun = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        if trainer.state.fn != "fit" or trainer.sanity_checking or not begun:
            return
        self._validated = True
        if epochs.is_within_epoch(trainer):
            self._save_if_best(trainer)
            self._due |= is_missing(self._watchers(trainer))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves the epoch.

        Raises:
            InputError: A monitored value has not been logged; the state is saved.
            RunInterrupted: A signal has come, and the state is saved.
        """
        folder = _folder(trainer)
        if not self._save_if_best(trainer):
            self._save(trainer, LAST)
            self.when_saved(trainer)
        # best.ckpt first: were the run killed between the two, last.ckpt would find this epoch best once more
        elif folder is not None and trainer.is_global_zero:
            copy_atomically(folder / BEST, folder / LAST)
        self._due = False
        refuse_missing(trainer, self._watchers(trainer))
        signum = self._stop_request.agreed(trainer)
        if signum and not epochs.is_finished(trainer):
            raise RunInterrupted(signum)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Gives the signals back."""
        self._stop_request.release()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Gives the signals back."""
        self._stop_request.release()

    def state_dict(self) -> dict[str, Any]:
        """Returns the best score so far, its epoch, from 0, and what is known of that epoch."""
        best = {"best_score": self.best_score, "best_epoch": self.best_epoch, "best": self.best}
        return best | {"monitor": self.monitor}

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps the run's stop, and its optimizer steps, which `global_step` does not count with several optimizers."""
        checkpoint["optimizer_steps"] = trainer.optimizer_steps
        stop = self.stop(trainer)
        checkpoint["stop"] = None if stop is None else asdict(stop)
        checkpoint |= exact_resume.facts_of_run(trainer)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Continues the count of optimizer steps; a run that has stopped has nothing left to do unless it may go on."""
        if trainer.state.fn != "fit":
            return
        exact_resume.check_facts(trainer, checkpoint)
        folder = _folder(trainer)
        self._has_best = folder is None or (folder / BEST).exists()  # a run may begin with another's checkpoint
        self.goes_back_to = exact_resume.earlier_of_run(Path(trainer.ckpt_path), folder)
        steps = exact_resume.saved_optimizer_steps(checkpoint)
        self._counted = steps, checkpoint["global_step"]
        stop = saved_stop(trainer, checkpoint)
        if stop is not None and stop.by != "max_steps" and stop.holds(limits_of(trainer)):
            self._kept_stop = stop
        if steps >= trainer.step_limit:
            end(trainer)
        elif self._kept_stop is not None:
            trainer.should_stop = True

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the best score of a checkpoint, or what its best epoch has of the value that counts from now on."""
        if not self._has_best:
            self.best_score = self.best_epoch = self.best = None
            return
        self.best_score, self.best_epoch = state_dict["best_score"], state_dict["best_epoch"]
        self.best = state_dict.get("best")
        if self.best is None and self.best_epoch is not None:  # a checkpoint of an earlier release knows no more
            figures = {} if self.best_score is None else {self.monitor: self.best_score}
            self.best = {"epoch": self.best_epoch, "step": None, "metrics": figures}
        if state_dict.get("monitor", self.monitor) != self.monitor:  # scores of two values cannot be compared
            self.best_score = None if self.best is None else self.best["metrics"].get(self.monitor)

    def improves(self, score: float) -> bool:
        """Returns whether a score is better than the best so far; one that is not finite never is."""
        if self.best_score is None or not math.isfinite(self.best_score):
            return math.isfinite(score)
        return math.isfinite(score) and merit(score, self.mode) > merit(self.best_score, self.mode)

    def _save_if_best(self, trainer: Trainer) -> bool:
        """Saves the weights if they are the best so far; returns whether they are."""
        before = self.best_score, self.best_epoch, self.best
        is_best, self._validated = self._is_best(trainer), False
        if is_best:
            self.best_epoch = trainer.current_epoch
            figures = trainer.epoch_validation | ({} if self.best_score is None else {self.monitor: self.best_score})
            self.best = {"epoch": self.best_epoch, "step": trainer.optimizer_steps, "metrics": figures}
            try:
                self._save(trainer, BEST)
            except BaseException:  # the file still holds the previous best
                self.best_score, self.best_epoch, self.best = before
                raise
            self.when_saved(trainer)
        return is_best

    def _is_best(self, trainer: Trainer) -> bool:
        """Returns whether the weights are the best so far, and keeps their score if it decides that."""
        if self.monitor is None or epochs.never_validates(trainer):
            return True
        if not self._validated:
            return False
        score, self.lacks_value = value_of_first(trainer, self.monitor)
        is_best = score is not None and self.improves(score) and has_finite_measures(trainer)
        is_best = trainer.strategy.broadcast(is_best)  # all processes have to save, or none
        if is_best:
            self.best_score = score
        return is_best

    def _watchers(self, trainer: Trainer) -> Watchers:
        return {"checkpoint": self, "early_stopping": trainer.builtin(EarlyStopping)}

    def _save(self, trainer: Trainer, name: str) -> None:
        folder = _folder(trainer)
        if folder is not None:
            with epochs.unfinished_epoch(trainer) if epochs.is_cut(trainer) else nullcontext():
                trainer.save_checkpoint(folder / name)


def _folder(trainer: Trainer) -> Path | None:
    """Returns where checkpoints go, or None where nothing is kept."""
    if trainer.run_folder is None or trainer.fast_dev_run or not trainer.saves_checkpoints:
        return None
    return trainer.run_folder.path / CHECKPOINTS
