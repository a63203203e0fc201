"""LightningCLI for one subcommand: its settings are parsed once, and its errors are one line."""

import os
import secrets
from functools import cached_property
from typing import Any

from jsonargparse import Namespace
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, _InstantiatorFn
from pytorch_lightning.plugins import Precision
from pytorch_lightning.utilities import rank_zero_only

from callbacks import Features
from core.code.known_code import list_file, may_be_named
from core.errors import InputError
from core.files.plain_yaml import as_plain
from core.run_layout import CONFIG
from core.terminal.console import print_line
from core.terminal.one_line_parser import LAST_SEED
from engine.cli.parser import Parser, add_predict_options, add_run_options, add_trainer_model_and_data
from engine.runs.launchers import launched
from engine.settings.arguments import Arguments
from engine.settings.config_files import read_config
from engine.settings.help import shorten_help
from engine.settings.mistakes import parse_settings
from engine.settings.named_objects import limited_parser, refuse_other_objects
from engine.settings.overview import SUBCOMMANDS, TRACKED, typed_command
from engine.settings.ownership import refuse_empty_names
from engine.settings.recorded_config import PlainSettings, plain_settings
from engine.settings.trust import HELD_BACK, tracking_mode
from engine.trainer import Trainer
from engine.training.builtin_callbacks import as_list

IN_PROCESS, SEED = "LOCAL_RANK", "PL_GLOBAL_SEED"  # in the environment of each of several processes
METHODS = {"lr_find": "fit", "inspect": "predict"}  # of the trainer, that subcommands of other names call


class Instantiator(_InstantiatorFn):
    """Makes a module, which receives its hyperparameters.

    Lightning's own adds every value of a link to them, also those for which the module has no argument and which it
    does not get: its checkpoints could not be loaded again.
    """

    def __call__(self, class_type: Any, *args: Any, applied_instantiation_links: dict[str, Any], **kwargs: Any) -> Any:
        """Makes a module of a class, by arguments of its constructor."""
        arrived = {key: value for key, value in applied_instantiation_links.items() if key.split(".")[-1] in kwargs}
        return super().__call__(class_type, *args, applied_instantiation_links=arrived, **kwargs)


class SubcommandCLI(LightningCLI):
    """Parses the settings of a subcommand, and builds data, model and trainer from them.

    Lightning's own has a parser for every subcommand below one of all, which takes noticeably longer.

    Args:
        arguments: The command line.
        all_trainer_options: Show every option of the Trainer in the help.
    """

    def __init__(self, arguments: Arguments, all_trainer_options: bool) -> None:
        self.arguments = arguments
        self.all_trainer_options = all_trainer_options
        super().__init__(
            trainer_class=Trainer,
            parser_class=Parser,
            save_config_callback=None,
            seed_everything_default=42,
            auto_configure_optimizers=False,
            args={},
            run=False,  # without a parser of subcommands
        )

    @property
    def settings(self) -> Namespace:
        """The merged config."""
        return self.config

    @property
    def tracked(self) -> bool:
        """Whether this process may report to Weights & Biases."""
        return self.arguments.subcommand in TRACKED and rank_zero_only.rank == 0

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Makes a parser that takes no abbreviations: a mistyped option would pass for another."""
        name = self.arguments.subcommand
        description = SUBCOMMANDS[name].capitalize() + "."
        parser = super().init_parser(prog=f"{typed_command()} {name}", description=description, **kwargs)
        parser.allow_abbrev = False
        return parser

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parses the command line (without Lightning's warning that it is not the process's own)."""
        for name in self.arguments.trusted:
            if may_be_named(name):
                when = f"now and whenever a run names it ({list_file()})"
            else:
                when = f"this time alone ({list_file()} could not take it up; add --trust each time)"
            print_line(f"trust    {name} runs with all your rights, {when}")
        with limited_parser(self.arguments.limit):
            self.config = parse_settings(parser, self.arguments.options)
            refuse_other_objects(self.config, self.arguments.limit)
        refuse_empty_names(self.config)
        is_tracked = self.arguments.subcommand in TRACKED
        mode = tracking_mode(self.config, self.arguments.limit) if is_tracked else "off"  # all processes refuse alike
        self.tracking = mode if self.tracked else "off"
        self.held_back = self.tracked and self.tracking != self.config.wandb
        if self.held_back:
            print_line(f"note     {self.arguments.limit.config}: wandb {self.config.wandb} {HELD_BACK}")

    def add_core_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Adds trainer, model and data."""
        add_trainer_model_and_data(parser)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Adds the options of the built-in callbacks, and links the data's sizes to the model."""
        subcommand = self.arguments.subcommand
        add_run_options(parser)
        parser.add_method_arguments(Trainer, self._method, skip=set(self.subcommands()[self._method]))
        if subcommand == "predict":
            add_predict_options(parser)
        if {"--help", "-h"} & set(self.arguments.options):
            shorten_help(parser, subcommand, self.all_trainer_options)

    @staticmethod
    def check_seed(seed: int | bool) -> None:
        """Checks a seed.

        Raises:
            InputError: NumPy takes no such seed.
        """
        if not isinstance(seed, bool) and not 0 <= seed <= LAST_SEED:
            raise InputError(f"--seed_everything {seed}: a number from 0 to {LAST_SEED} is needed")

    def _set_seed(self) -> None:
        """Seeds as Lightning does, once the seed is checked, or drawn.

        Raises:
            InputError: The seed is out of range, or processes that something else started would each draw another.
        """
        self.check_seed(self.settings.seed_everything)
        if self.settings.seed_everything is True:
            self.settings.seed_everything = self._draw_seed()
        super()._set_seed()

    def _draw_seed(self) -> int | bool:
        """Returns the seed for which `true` stands: that of the run that goes on, or a new one."""
        run = self.arguments.run
        recorded = None if run is None else read_config(run / CONFIG).get("seed_everything")
        if recorded is not None and not isinstance(recorded, bool):
            return recorded
        if IN_PROCESS in os.environ and SEED in os.environ:
            return True  # Lightning takes that of the process that started this one
        started = launched()
        processes = 1 if started is None else started.devices * started.nodes
        by_hand = started is None and IN_PROCESS in os.environ
        if by_hand or processes * self.settings.trainer.num_nodes > 1:
            raise InputError("--seed_everything true: each of several processes would draw another; give a number")
        return secrets.randbelow(LAST_SEED + 1)

    @property
    def _method(self) -> str:
        """The method of the trainer that the subcommand calls."""
        return METHODS.get(self.arguments.subcommand, self.arguments.subcommand)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Builds the trainer; one that predicts uses the whole network in float32, as `serve` and exported files do.

        It uses one device, as there may be one input. A flag of this call can ask for another precision and for more
        devices; a config's are those of the training. Kept features, which are rounded, are for training and measuring.
        """
        if self._method != "predict":
            return super().instantiate_trainer(**kwargs)
        if not self._is_flagged("trainer.plugins"):
            plugins = as_list(self.config_init.trainer.plugins)
            kwargs["plugins"] = [plugin for plugin in plugins if not isinstance(plugin, Precision)]
        if not self._is_flagged("trainer.precision"):
            kwargs["precision"] = None  # float32, unless a plugin has another
        if not self._is_flagged("trainer.devices") and launched() is None:
            devices = self.config_init.trainer.devices
            kwargs |= {"devices": devices[:1] if isinstance(devices, list) else 1, "num_nodes": 1}
            if not self._is_flagged("trainer.strategy"):  # which may be one of several processes
                kwargs["strategy"] = "auto"
        trainer = super().instantiate_trainer(**kwargs)
        trainer.builtin(Features).until = None
        return trainer

    def _is_flagged(self, name: str) -> bool:
        """Returns whether a flag of this call sets an option, or a part of it."""
        return any(key.startswith(name) for key in self.arguments.flagged)

    def _parse_ckpt_path(self) -> None:
        """Does nothing: Lightning would let the checkpoint's hyperparameters win over flags and configs."""

    @cached_property
    def plain_settings(self) -> PlainSettings:
        """The merged config as plain values, which take a while to make."""
        return plain_settings(self.parser, self.settings)

    def _add_instantiators(self) -> None:
        """Has model and data made by `Instantiator`."""
        for key, base in (("model", LightningModule), ("data", LightningDataModule)):
            self.parser.add_instantiator(Instantiator(self, key), base)

    def _dump_config(self) -> None:
        """Keeps the config for a model's hyperparameters as Lightning does, but does not validate it once more."""
        if not hasattr(self, "config_dump"):
            self.config_dump = as_plain(self.plain_settings.values)
