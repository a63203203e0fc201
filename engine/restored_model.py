"""A trained model and its data as a run left them, for commands that use the two without a trainer's loops."""

from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.trainer.states import TrainerFn

from callbacks import Views
from callbacks.description import name_of_data
from core.errors import InputError
from core.files.tensor_files import load_checkpoint
from core.terminal.library_warnings import ignore_library_warnings
from datamodules.base.data_module import DataModule
from engine.cli.command import Command
from engine.settings.arguments import parse_command_line
from engine.trainer import Trainer
from engine.weights.initial_weights import find_weights, is_published

OF_PREDICTIONS = ("--input", "--invert", "--output")


class RestoredModel(Command):
    """The model of a run with the weights of its best checkpoint, in evaluation mode, and its data, not loaded.

    Args:
        command: Name of the command that needs it, for messages.
        ckpt_path: Run folder or checkpoint; None if the options name `--config` and `--weights`.
        options: Its other options that say what is used, as `predict` takes them.

    Raises:
        InputError: There is no such run, or something in it cannot be used.
    """

    def __init__(self, command: str, ckpt_path: str | None, options: list[str]) -> None:
        names = {option.partition("=")[0] for option in options}
        for option in OF_PREDICTIONS:
            if option in names:
                raise InputError(f"{option}: is for predict, and {command} has no use for it")
        is_named = ckpt_path is not None or ("--weights" in names and names & {"--config", "-c"})
        if not is_named and all(word.startswith("-") for word in options[:1]):  # else it may be a run, which is said
            raise InputError(f"{command} needs --ckpt_path, a run folder or a checkpoint; or --config and --weights")
        options = [*([] if ckpt_path is None else ["--ckpt_path", ckpt_path]), *options]
        arguments = parse_command_line(["predict", *options])
        if "trainer.precision" in arguments.flagged:
            raise InputError(f"--trainer.precision: is for predict; {command} computes in float32")
        with ignore_library_warnings(measuring=True):
            super().__init__(arguments)

    @property
    def data_name(self) -> str:
        """What the network was trained on, in words."""
        return name_of_data(self.datamodule)

    @property
    def run_name(self) -> str | None:
        """The last two parts of its run's folder; None for weights of no run."""
        run = self.arguments.run
        return None if run is None else f"{run.parent.name}/{run.name}"

    @property
    def weight_files(self) -> list[Path]:
        """The files that the weights are read from: one, or none for published weights."""
        named = self.settings.weights
        if self.arguments.checkpoint is not None:
            return [self.arguments.checkpoint]
        return [] if named is None or is_published(named) else [find_weights(named)]

    def after_instantiate_classes(self) -> None:
        """Leaves the run's folder alone."""

    def _prepare_prediction(self, *_: Any) -> None:
        """Does nothing: nothing is predicted."""

    def predict(self, model: LightningModule, datamodule: LightningDataModule, ckpt_path: str | None, **_: Any) -> None:
        """Restores what the checkpoint holds, in place of a prediction."""
        self._start_from_weights()
        attach(self.trainer, model, datamodule)
        self.trainer.builtin(Views).setup(self.trainer, model, "predict")
        if ckpt_path is None:
            if isinstance(datamodule, DataModule):
                datamodule.load_once()  # what the checkpoint of a run would tell, such as the mean of its pixels
        else:
            restore(load_checkpoint(self.arguments.checkpoint), model, datamodule)
        model.eval().requires_grad_(False)


def attach(trainer: Trainer, model: LightningModule, datamodule: LightningDataModule) -> None:
    """Makes a network and its data those of a trainer that runs no loop, which data needs for the seed of the run."""
    trainer.state.fn = TrainerFn.PREDICTING
    datamodule.trainer = model.trainer = trainer
    trainer.datamodule = datamodule


def restore(checkpoint: dict[str, Any], model: LightningModule, datamodule: LightningDataModule) -> None:
    """Gives a network and its data what a checkpoint holds of them.

    Raises:
        InputError: The data is not what the network was trained on, such as other classes; or parts of the network are
            not there, since Lightning calls for them only in its own loops.
    """
    model.on_load_checkpoint(checkpoint)
    weights, own = checkpoint["state_dict"], model.state_dict()
    if model.strict_loading and (absent := [name for name in weights if name not in own]):
        raise InputError(
            f"{type(model).__name__}: {absent[0]} is not there once it is constructed, but made in setup or "
            "configure_model, which only fit, validate, test and predict call; make it in the constructor"
        )
    model.load_state_dict(weights, strict=model.strict_loading)
    kept = checkpoint.get(type(datamodule).__qualname__)
    if kept is not None:
        datamodule.load_state_dict(kept)
