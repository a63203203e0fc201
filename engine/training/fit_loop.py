"""Lightning's loop over epochs, whose minimum length counts optimizer steps as everything else here does."""

from math import ceil, isinf

from pytorch_lightning.loops.fit_loop import _FitLoop

from callbacks.monitored_value import MissingValue
from core.epochs import takes_all
from core.errors import RunInterrupted
from core.terminal.console import print_line
from core.terminal.printable import counted
from datamodules.base.data_module import DataModule

FEW = 50  # optimizer steps, in which hardly any network here has learned anything


class FitLoop(_FitLoop):
    """Counts `min_steps` by batches that updated weights; `global_step` counts every optimizer's step of a batch."""

    @property
    def _can_stop_early(self) -> bool:
        epochs = self.epoch_progress.current.processed
        enough = not self.min_steps or self.trainer.optimizer_steps >= self.min_steps
        return enough and (not self.min_epochs or epochs >= self.min_epochs)

    def on_advance_end(self) -> None:
        """Ends an epoch; loggers get its figures also where callbacks end the run once the epoch is saved.

        Raises:
            RunInterrupted: A signal has come, or the run is pruned.
            MissingValue: A monitored value has not been logged.
        """
        try:
            super().on_advance_end()
        except (RunInterrupted, MissingValue):  # before Lightning has logged the epoch
            self.trainer._logger_connector.on_epoch_end()
            self.trainer._logger_connector.update_train_epoch_metrics()
            raise

    def on_run_start(self) -> None:
        """Calls the hooks, and says if a new run on whole data makes very few steps, as on a small file of a user's."""
        super().on_run_start()
        trainer, data = self.trainer, self.trainer.datamodule
        trainer.note_begun()
        is_whole = takes_all(trainer.limit_train_batches) and not (trainer.overfit_batches or trainer.fast_dev_run)
        batches = trainer.num_training_batches
        # by epochs, not by a number of steps
        has_end = (trainer.max_epochs or -1) > 0 and isinf(trainer.step_limit) and not isinf(batches)
        is_real = isinstance(data, DataModule) and data.source != "synthetic"
        if not (is_whole and has_end and is_real) or trainer.goes_on:
            return
        steps = ceil(batches / trainer.accumulate_grad_batches) * trainer.max_epochs
        if steps < FEW:
            option = data.batch_option
            smaller = f"a smaller data.{option} or " if getattr(data, option) > 1 else ""
            print_line(
                f"note     this run makes {counted(steps, 'optimizer step')} in all, too few to learn much: "
                f"try {smaller}more trainer.max_epochs"
            )
