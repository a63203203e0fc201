"""Lightning's loop over epochs, whose minimum length counts optimizer steps as everything else here does."""

from pytorch_lightning.loops.fit_loop import _FitLoop


class FitLoop(_FitLoop):
    """Counts `min_steps` by batches that updated weights; `global_step` counts every optimizer's step of a batch."""

    @property
    def _can_stop_early(self) -> bool:
        epochs = self.epoch_progress.current.processed
        enough = not self.min_steps or self.trainer.optimizer_steps >= self.min_steps
        return enough and (not self.min_epochs or epochs >= self.min_epochs)
