"""The options of the command, and a parser whose errors are one line."""

import contextlib
import os
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import jsonargparse
import torch
from jsonargparse import Namespace
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningArgumentParser
from yaml import YAMLError
from yaml.representer import SafeRepresenter

from core.code.error_places import failed_import
from core.files.plain_yaml import dump_plain
from engine.settings.command_words import OPTIONS_OF_ONE_CALL
from engine.settings.config_files import load_settings
from engine.settings.error_messages import Mistake, find_mistake
from engine.settings.mistakes import Refused
from engine.settings.nulls import settle_arguments, settle_nulls
from engine.settings.ownership import is_own_data
from engine.settings.recorded_config import LINKED, OPTION_GROUPS
from engine.trainer import Trainer

# Defaults of other packages' classes that are members of an enumeration are recorded by their values.
SafeRepresenter.add_multi_representer(Enum, lambda dumper, member: dumper.represent_data(member.value))
SafeRepresenter.add_representer(torch.device, lambda dumper, device: dumper.represent_str(str(device)))  # as above
# Every class within a config is written and read once more for each that it stands in.
jsonargparse.set_dumper("yaml", dump_plain)


_read_otherwise = jsonargparse.Path.read_text  # as of standard input


def _read_text(path: jsonargparse.Path) -> str:
    """Returns the text of a config, as `read_config` reads it; jsonargparse would take the system's encoding."""
    return Path(path).read_text(encoding="utf-8") if os.path.isfile(path) else _read_otherwise(path)


jsonargparse.Path.read_text = _read_text

LARGEST = 2**63 - 1  # that torch can hold


class Parser(LightningArgumentParser):
    """Parser whose errors are one line."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Parses the command line.

        Raises:
            Refused: A setting is not a number where YAML has a way to write that, too large a one, or null where
                nothing is impossible.
        """
        config = super().parse_args(*args, **kwargs)
        settle_nulls(config)
        for name, kind in OPTION_GROUPS.items():
            if name in config:  # a class's own parser has none of them
                settle_arguments(config[name], kind, name)
        for key, value in vars(config.as_flat()).items():
            name = key.replace(".init_args", "")
            for item in value if isinstance(value, list | tuple) else [value]:
                if item != item:
                    raise Refused(Mistake("a number is needed", name, str(value)))
                if isinstance(item, int) and abs(item) > LARGEST:
                    raise Refused(Mistake(f"at most {LARGEST:,} is possible", name, str(value)))
        return config

    def _load_config_parser_mode(self, content: str, *args: Any, **kwargs: Any) -> Namespace:
        """Reads a config; an empty group would take away what other configs and the defaults give it.

        Raises:
            Refused: It has one.
        """
        with contextlib.suppress(YAMLError):  # which is told below
            settings = load_settings(content)
            for name, value in settings.items() if isinstance(settings, dict) else ():
                if value is None and name in self.groups:
                    raise Refused(Mistake("has no settings below it: leave it out", name))
        return super()._load_config_parser_mode(content, *args, **kwargs)

    def dump(self, namespace: Namespace, *args: Any, **kwargs: Any) -> str:
        """Returns settings as text; those that `--print_config` shows as a config has them."""
        if not hasattr(self, "print_config"):
            return super().dump(namespace, *args, **kwargs)
        shown = namespace.clone()
        for name in OPTIONS_OF_ONE_CALL:
            shown.pop(name, None)
        arguments = (shown.get("model") or {}).get("init_args") or {}
        data_states_sizes = shown.get("data") is None or is_own_data(shown)
        for name in LINKED:
            if data_states_sizes or arguments.get(name) is None:
                arguments.pop(name, None)
        return super().dump(shown, *args, skip_link_targets=False, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> Any:
        """Raises what is wrong with the command line.

        Raises:
            Refused: Always.
        """
        if not self.exit_on_error:  # an attempt within an attempt, whose failure is not the user's yet
            super().error(message, ex)
        cause: BaseException | None = ex
        while cause is not None and not isinstance(cause, Refused):  # of a parser within this one, told once more
            cause = cause.__cause__
        mistake, failed = find_mistake(message), failed_import(ex)
        raise cause or Refused(replace(mistake, reason=failed) if failed else mistake)


def add_trainer_model_and_data(parser: LightningArgumentParser) -> None:
    """Adds the groups `trainer`, `model` and `data`; model and data are any LightningModule and LightningDataModule."""
    parser.add_class_arguments(
        Trainer,
        "trainer",
        fail_untyped=False,
        instantiate=False,
        sub_configs=True,
        skip={"seed", "run_folder", "run_name"},
    )
    parser.add_lightning_class_args(LightningModule, "model", subclass_mode=True)
    parser.add_lightning_class_args(LightningDataModule, "data", subclass_mode=True)


def add_run_options(parser: LightningArgumentParser) -> None:
    """Adds the options of a run and of the built-in callbacks, and links the data's sizes to the model."""
    for option, kind, default, text in (
        ("--run_dir", str | None, None, "Folder of a new run, instead of runs/<config>/<time>."),
        ("--resume", Literal["auto"] | None, None, "`auto`: go on with the run in --run_dir, or begin it there."),
        (
            "--weights",
            str | None,
            None,
            "Start from a run folder, .ckpt, .pth, .safetensors, torchvision:NAME:WEIGHTS or pretrained:NAME; "
            "words from vectors in .txt or .bin.",
        ),
        ("--wandb", Literal["off", "offline", "online"], "off", "Whether to track the run in Weights & Biases."),
        (
            "--wandb_project",
            str | None,
            None,
            "Its project there; WANDB_PROJECT or `primer` if not given.",
        ),
        ("--wandb_group", str | None, None, "Its group there."),
        ("--wandb_tags", list[str] | None, None, "Its tags there, such as [small,first]."),
        ("--wandb_entity", str | None, None, "The user or team there."),
        ("--wandb_name", str | None, None, "Its name there; <config>/<time> if not given."),
    ):
        parser.add_argument(option, type=kind, default=default, help=text)
    for name, kind in OPTION_GROUPS.items():
        parser.add_lightning_class_args(kind, name)
    for size in LINKED:
        parser.link_arguments(f"data.{size}", f"model.init_args.{size}", apply_on="instantiate")


def add_predict_options(parser: LightningArgumentParser) -> None:
    """Adds what `predict` reads and writes."""
    parser.add_argument(
        "--input",
        nargs="+",
        default=[],
        help="Pictures, or folders of them; texts, or files with one a line; words and sums of words. The test set if "
        "none.",
    )
    parser.add_argument(
        "--invert", action="store_true", help="Predict the negatives of the pictures, such as ink on white paper."
    )
    parser.add_argument(
        "--output",
        type=str | None,
        default=None,
        help="CSV file to write all predictions to; word vectors also .txt or .bin; tunes .abc, one .mid, .png, .wav; "
        "pictures that a model makes a folder, or .png; captions .html.",
    )
