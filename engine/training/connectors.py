"""Parts of Lightning's Trainer whose place others take: the checkpoint it takes up, what loggers get, and signals."""

from typing import Any

from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason
from pytorch_lightning.trainer.connectors.checkpoint_connector import _CheckpointConnector
from pytorch_lightning.trainer.connectors.logger_connector import _LoggerConnector
from pytorch_lightning.trainer.connectors.signal_connector import _SignalConnector

from callbacks import Record
from callbacks.stops import early_stopping_of_lightning
from engine.training.continuation import check_optimization, check_settings
from engine.training.python_runs import described_optimization


class CheckpointConnector(_CheckpointConnector):
    """Takes up no checkpoint that is not named: Lightning's takes an `hpc_ckpt_1.ckpt` of any run in this folder."""

    @property
    def _hpc_resume_path(self) -> None:
        return None

    def resume_start(self, *arguments: Any, **options: Any) -> None:
        """Reads the checkpoint, if there is one; forgets that of a fit that was refused."""
        self._loaded_checkpoint = {}
        super().resume_start(*arguments, **options)

    def restore_model(self) -> None:
        """Restores the weights, once it is sure that a run from Python keeps its model, its data and its trainer."""
        check_settings(self.trainer, self._loaded_checkpoint)
        super().restore_model()

    def restore_training_state(self) -> None:
        """Restores optimizers, schedules and loops, once it is sure that a run from Python keeps how they were made."""
        if self.trainer.state.fn == "fit":
            self.trainer.optimization = described_optimization(self.trainer)
            check_optimization(self.trainer, self._loaded_checkpoint)
        super().restore_training_state()

    def restore_callbacks(self) -> None:
        """Restores callbacks; the patience of Lightning's early stopping is what is configured now, as ours is."""
        configured = [(early, early.patience) for early in early_stopping_of_lightning(self.trainer)]
        super().restore_callbacks()
        for early, patience in configured:
            early.patience = patience
            early.stopping_reason = EarlyStoppingReason.NOT_STOPPED  # by this process


class LoggerConnector(_LoggerConnector):
    """Gives loggers what is measured at the optimizer step after which it was, as everything else here counts.

    Lightning counts one less while a run trains, and 0 for what is measured of a checkpoint.
    """

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Logs figures; without a step, at that of the weights, unless they have a `step` among them."""
        loop = self.trainer.fit_loop.epoch_loop
        counted, loop._batches_that_stepped = loop._batches_that_stepped, self.trainer.optimizer_steps
        try:
            super().log_metrics(metrics, step)
        finally:
            loop._batches_that_stepped = counted

    def log_eval_end_metrics(self, metrics: dict[str, Any]) -> None:
        """Logs the figures of a validation, or of a test."""
        trainer = self.trainer
        place = None if trainer.state.fn == "fit" else trainer.builtin(Record).measured_at(trainer)
        if place is None or not metrics:
            super().log_eval_end_metrics(metrics)
        else:
            self.log_metrics({**metrics, "epoch": place[0]}, step=place[1])


class SignalConnector(_SignalConnector):
    """Leaves signals alone: Lightning's takes SIGTERM, after which a measurement or a prediction goes on to its end."""

    def register_signal_handlers(self) -> None:
        """Does nothing: RunCheckpoint listens while a run trains, and the command at all other times."""
