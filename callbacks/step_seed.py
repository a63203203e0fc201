"""Makes what a training step draws a function of (seed, epoch, batch, rank)."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from core.randomness import seed_step


class StepSeed(Callback):
    """Reseeds torch before every training step, so that dropout and noise are the same after a resume."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seeds the generators of the CPU and of this process's device."""
        seed_step(trainer.seed, trainer.current_epoch, batch_idx, trainer.global_rank, pl_module.device)
