"""The settings of a command line as a run would record them, without building or seeding anything."""

from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningArgumentParser

from core.errors import InputError
from engine.lightning_cli import SubcommandCLI
from engine.parser import LINKED
from engine.settings.arguments import Arguments, parse_command_line
from engine.settings.error_sources import input_error
from engine.settings.mistakes import parse_settings
from engine.settings.recorded_config import plain_settings, recorded_config
from engine.settings.refused_values import with_place


class SettingsAlone(SubcommandCLI):
    """The command as far as its merged settings: nothing is seeded or built."""

    def __init__(self, arguments: Arguments) -> None:
        super().__init__(arguments, False)

    def _set_seed(self) -> None: ...

    def instantiate_classes(self) -> None: ...

    def merged(self, argv: list[str]) -> dict[str, Any]:
        """Returns the merged settings of another command line of the same subcommand, as a run records them."""
        settings = parse_settings(self.parser, parse_command_line(argv).options)
        return recorded_config(plain_settings(self.parser, settings), LINKED)


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
    settings = SettingsAlone(arguments).settings
    parser = LightningArgumentParser()
    parser.add_lightning_class_args(LightningDataModule, "data", subclass_mode=True)
    return parser.instantiate_classes(parser.parse_object({"data": settings.data.as_dict()})).data


def build_model(arguments: Arguments) -> LightningModule:
    """Builds the model of a command, and its data, which gives it sizes, but no trainer; nothing is seeded.

    Raises:
        InputError: Settings cannot be used.
    """
    alone = SettingsAlone(arguments)
    try:
        return alone.parser.instantiate_classes(alone.settings).model
    except Exception as error:
        refused = input_error(error, "building")
        if refused is None:
            raise
        raise InputError(with_place(str(refused), arguments.options)) from error
