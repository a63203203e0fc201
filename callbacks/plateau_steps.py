"""Steps the plateau schedules of other packages' modules before an epoch is saved."""

from functools import partial
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from callbacks.logged_values import LoggedValues
from core.epochs import is_cut
from lightning_modules.tasks.plateau import NEVER_STEPPED
from lightning_modules.tasks.task import Task


class PlateauSteps(Checkpoint):
    """Makes Lightning step schedules that watch a metric each epoch before the epoch's checkpoints are written.

    Lightning would do it afterwards, so that a resume lost the step. Which metric, how often, and what happens if it is
    missing stays as the module's `configure_optimizers` says. A `Task` steps its schedules itself.

    (Its base class makes Lightning call it after the module has logged an epoch.)
    """

    def __init__(self) -> None:
        self._frequencies: list[tuple[Any, int]] = []  # of the schedules' entries in the trainer

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps Lightning from stepping these schedules."""
        self._frequencies = []
        if isinstance(pl_module, Task) or not pl_module.automatic_optimization:
            return
        for config in trainer.lr_scheduler_configs:
            if config.reduce_on_plateau and config.interval == "epoch":
                self._frequencies.append((config, config.frequency))
                config.frequency = NEVER_STEPPED

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lets Lightning step the schedules, unless the run stops within this epoch and can go on there."""
        if not self._frequencies or is_cut(trainer):
            return
        loop = trainer.fit_loop.epoch_loop
        loop._get_monitor_value = partial(trainer.builtin(LoggedValues).latest, trainer)
        for config, frequency in self._frequencies:
            config.frequency = frequency
        try:
            loop.update_lr_schedulers("epoch", update_plateau_schedulers=True)
        finally:
            del loop._get_monitor_value
            for config, _ in self._frequencies:
                config.frequency = NEVER_STEPPED
