"""Runs of a config in one process: its settings are parsed once, and built as often as wanted."""

from collections.abc import Iterable
from typing import Any

from pytorch_lightning import Callback

from core.terminal.library_warnings import ignore_library_warnings
from engine.cli.lightning_cli import SubcommandCLI
from engine.settings.arguments import parse_command_line
from engine.trainer import Trainer


class Configured(SubcommandCLI):
    """Builds model, data module and trainer as `fit --config` does.

    Args:
        config: Name of the config.
        flags: Words of the command line beside it.
    """

    def __init__(self, config: str, flags: Iterable[str]) -> None:
        self._more: dict[str, Any] = {}
        self._callbacks: list[Callback] = []
        with ignore_library_warnings():
            super().__init__(parse_command_line(["fit", "--config", config, *flags]), False)

    def build(self, seed: int, *callbacks: Callback, **options: Any) -> "Configured":
        """Builds all anew, as `model`, `datamodule` and `trainer`.

        Args:
            seed: Seed of the weights, the order and all else.
            callbacks: Callbacks beside the config's.
            options: Options of the trainer in the place of the config's.
        """
        self._callbacks, self._more = [*callbacks], options
        self.settings.seed_everything = seed
        with ignore_library_warnings():
            self._set_seed()
            self.instantiate_classes()
        return self

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Builds the trainer, with the seed."""
        configured = self.config_init.trainer.callbacks or []
        kwargs |= {"seed": int(self.settings.seed_everything), "run_name": self.arguments.name}
        return super().instantiate_trainer(**kwargs, callbacks=[*configured, *self._callbacks], **self._more)
