"""Steps the plateau schedules of other packages' modules before an epoch is saved."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from callbacks.logged_values import LoggedValues
from core.epochs import is_cut
from lightning_modules.tasks.plateau import NEVER_STEPPED, of_first
from lightning_modules.tasks.task import Task


class PlateauSteps(Checkpoint):
    """Makes Lightning step schedules that watch a metric each epoch before the epoch's checkpoints are written.

    Lightning would do it afterwards, so that a resume lost the step. Which metric, how often, and what happens if it is
    missing stays as the module's `configure_optimizers` says. A `Task` steps its schedules itself. Several processes
    step by the value of the first, also where a schedule counts optimizer steps: their rates would differ otherwise.

    (Its base class makes Lightning call it after the module has logged an epoch.)
    """

    def __init__(self) -> None:
        self._frequencies: list[tuple[Any, int]] = []  # of the schedules' entries in the trainer

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps Lightning from stepping these schedules, and lets all processes step others alike."""
        self._frequencies = []
        if isinstance(pl_module, Task) or not pl_module.automatic_optimization:
            return
        loop = trainer.fit_loop.epoch_loop
        loop._get_monitor_value = lambda name: of_first(trainer, trainer.callback_metrics.get(name))
        for config in trainer.lr_scheduler_configs:
            if config.reduce_on_plateau and config.interval == "epoch":
                self._frequencies.append((config, config.frequency))
                config.frequency = NEVER_STEPPED

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lets Lightning step the schedules, unless the run stops within this epoch and can go on there."""
        if not self._frequencies or is_cut(trainer):
            return
        loop, logged = trainer.fit_loop.epoch_loop, trainer.builtin(LoggedValues)
        between_epochs = loop._get_monitor_value
        loop._get_monitor_value = lambda name: of_first(trainer, logged.latest(trainer, name))
        for config, frequency in self._frequencies:
            config.frequency = frequency
        try:
            loop.update_lr_schedulers("epoch", update_plateau_schedulers=True)
        finally:
            loop._get_monitor_value = between_epochs
            for config, _ in self._frequencies:
                config.frequency = NEVER_STEPPED
