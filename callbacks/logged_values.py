"""What a run has logged, as far as Lightning does not keep it apart, and forgets it when a run goes on."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from core.epochs import is_cut, validation_is_due
from core.metric_rows import without_copies
from lightning_modules.optimizers import learning_rates


class LoggedValues(Callback):
    """Knows which values are of this epoch's latest validation, and keeps those of earlier epochs for a resume.

    `trainer.epoch_validation` has the former, by name.
    """

    def __init__(self) -> None:
        self.of_validations: set[str] = set()  # names of what validations of this run have logged
        self._before: dict[str, float] = {}  # what was logged last before this run went on
        self._at_stop: dict[str, Any] | None = None  # what was known before a validation that only a stop brought

    @property
    def validates_for_stop(self) -> bool:
        """Whether this epoch's latest validation takes place only because the run stops within the epoch."""
        return self._at_stop is not None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets the last epoch's validation; a run resumed within an epoch does not come here."""
        trainer.epoch_validation, self._at_stop = {}, None

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps what is known before a validation that a stop brings: a run that goes on from there makes none."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if is_cut(trainer) and not validation_is_due(trainer):
            self._at_stop = self._known(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps what a validation has logged."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        trainer.epoch_validation = {name: float(value) for name, value in without_copies(_logged(trainer)).items()}
        self.of_validations |= set(trainer.epoch_validation)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps the epoch's validation so far, and the latest values."""
        checkpoint |= self._known(trainer) if self._at_stop is None else self._at_stop

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Takes them up."""
        if trainer.state.fn != "fit":
            return
        trainer.epoch_validation, self._at_stop = checkpoint.get("epoch_validation", {}), None
        self.of_validations = set(checkpoint.get("of_validations", trainer.epoch_validation))
        of_plateaus = checkpoint["callbacks"].get("PlateauSteps", {}).get("latest", {})  # in earlier releases
        self._before = checkpoint.get("logged_values", of_plateaus)

    def _known(self, trainer: Trainer) -> dict[str, Any]:
        """Returns what a checkpoint keeps of what has been logged so far."""
        latest = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return {
            "epoch_validation": trainer.epoch_validation,
            "of_validations": sorted(self.of_validations),
            "logged_values": self._before | latest,
        }

    def latest(self, trainer: Trainer, name: str) -> Any:
        """Returns the value that was logged last under a name, of whatever epoch; None if none was."""
        return trainer.callback_metrics.get(name, self._before.get(name))

    def is_left_out(self, trainer: Trainer, name: str) -> bool:
        """Returns whether this epoch's latest validation has not logged what an earlier one did."""
        return name in self.of_validations and name not in trainer.epoch_validation

    def of_epoch(self, trainer: Trainer) -> dict[str, float]:
        """Returns what this epoch has logged; `callback_metrics` has what earlier epochs did, as well."""
        results = trainer.fit_loop._results
        logged = {result.meta.name for _, result in results.valid_items()}
        earlier = ({result.meta.name for result in results.values()} - logged) | self.of_validations
        known = without_copies(trainer.callback_metrics).items()
        return trainer.epoch_validation | {name: float(value) for name, value in known if name not in earlier}


def _logged(trainer: Trainer) -> dict[str, Any]:
    """Returns what this validation has logged, of all its loaders; `callback_metrics` has more."""
    results = trainer._results
    loaders = dict.fromkeys(result.meta.dataloader_idx for result in results.values())
    shown, logged = results.dataloader_idx, {}
    for results.dataloader_idx in loaders:  # Lightning tells what is of one loader, or of none
        logged |= trainer._logger_connector.metrics["callback"]
    results.dataloader_idx = shown
    return logged


def log_point(trainer: Trainer, outputs: Any) -> None:
    """Gives the loggers a point of the learning curve: a batch's loss, and the learning rates.

    Args:
        trainer: The trainer.
        outputs: What Lightning passes on of the training step.
    """
    loss = {}
    if "loss" in (outputs or {}):  # manual optimization need not return one
        # by the number of batches Lightning has divided it
        loss = {"train/loss_step": float(outputs["loss"]) * trainer.accumulate_grad_batches}
    for logger in trainer.loggers:
        logger.log_metrics(loss | learning_rates(trainer.optimizers), step=trainer.optimizer_steps)
