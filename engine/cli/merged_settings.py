"""The settings of a command line as a run would record them, without building or seeding anything."""

import contextlib
from typing import Any

import torch
from jsonargparse import Namespace
from pytorch_lightning import LightningDataModule, LightningModule

from core.errors import InputError
from core.measures import check_monitor
from engine.cli.early_checks import build_apart
from engine.cli.lightning_cli import SubcommandCLI
from engine.cli.parser import LINKED
from engine.processes.cluster import check_devices
from engine.settings.arguments import Arguments, parse_command_line
from engine.settings.error_sources import input_error
from engine.settings.mistakes import parse_settings
from engine.settings.recorded_config import plain_settings, recorded_config
from engine.settings.refused_values import with_place
from engine.settings.trainer_options import check_options
from engine.weights.initial_weights import start_from


class SettingsAlone(SubcommandCLI):
    """The command as far as its merged settings: nothing is seeded or built."""

    def __init__(self, arguments: Arguments) -> None:
        self._fitting: set[str] = set()  # weights that were read, and fit the model
        super().__init__(arguments, False)

    def _set_seed(self) -> None: ...

    def instantiate_classes(self) -> None: ...

    def parsed(self, argv: list[str]) -> Namespace:
        """Returns the settings of another command line of the same subcommand."""
        return parse_settings(self.parser, parse_command_line(argv).options)

    def recorded(self, settings: Namespace) -> dict[str, Any]:
        """Returns settings as a run records them."""
        return recorded_config(plain_settings(self.parser, settings), LINKED)

    def build_model(self, settings: Namespace, argv: list[str]) -> LightningModule:
        """Builds a model, and its data, which gives it sizes, as far as a run does before it reads any data.

        Nothing is seeded, and no trainer is built: its options are checked. Weights are neither allocated nor drawn.

        Args:
            settings: What was parsed.
            argv: The command line that it was.

        Returns:
            The model, for what it states of itself; its tensors may be on the device `meta`.

        Raises:
            InputError: A run would refuse a setting.
        """
        self.check_seed(settings.seed_everything)
        check_options(settings.trainer.as_dict())
        check_devices(settings.trainer.as_dict())
        starts = bool(settings.weights) and settings.weights not in self._fitting
        try:
            built = self._built(settings, whole=starts)
        except Exception as error:
            refused = input_error(error, "building")
            if refused is None:
                raise
            raise InputError(with_place(str(refused), parse_command_line(argv).options)) from error
        for group in ("checkpoint", "early_stopping"):
            if (monitor := settings[group].monitor) not in (None, "last"):
                check_monitor(f"--{group}.monitor", monitor, built.model)
        if starts:
            start_from(settings.weights, built.model, built.data)
            self._fitting.add(settings.weights)
        return built.model

    def _built(self, settings: Namespace, whole: bool) -> Namespace:
        """Builds model and data, the model's tensors on the device `meta` unless it is to be whole."""
        if not whole:
            with contextlib.suppress(Exception), torch.device("meta"):
                return self.parser.instantiate_classes(settings)
        # also for an error of its own, and for constructors that read values
        return self.parser.instantiate_classes(settings)


def merged_settings(argv: list[str]) -> dict[str, Any]:
    """Returns all settings of a command, the defaults among them, as its run records them.

    Args:
        argv: What follows `cli.py`.

    Raises:
        InputError: Something in it cannot be used.
    """
    alone = SettingsAlone(parse_command_line(argv))
    return recorded_config(alone.plain_settings, LINKED)


def build_data(arguments: Arguments) -> LightningDataModule:
    """Builds the data of a command, and neither model nor trainer.

    Raises:
        InputError: Its settings cannot be used.
    """
    return build_apart(LightningDataModule, "data", SettingsAlone(arguments).settings.data.as_dict())
