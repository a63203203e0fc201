"""The config that a run records: with it, `fit --config` repeats the run from any folder."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from jsonargparse import ArgumentParser, Namespace, set_dumper

from callbacks import EarlyStopping, Features, Freeze, NaNGuard, RunCheckpoint, TestSubset, Views, Watch
from core.errors import InputError
from core.files.plain_yaml import as_plain, dump_plain, load_plain
from engine.settings.command_words import OPTIONS_OF_ONE_CALL
from engine.settings.config_files import flatten
from engine.settings.ownership import data_class, is_own_data, make_paths_absolute, task_class
from engine.settings.run_identity import SAME_RECIPE

# Arguments of a model that the data gives.
LINKED = ("num_classes", "in_channels", "image_size", "vocab_size", "source_vocab_size", "mark_sizes")

# Built-in callbacks that have options, by the name of the group.
OPTION_GROUPS = {
    "checkpoint": RunCheckpoint,
    "early_stopping": EarlyStopping,
    "nan_guard": NaNGuard,
    "features": Features,  # before Freeze, which leaves alone what does not train any more
    "freeze": Freeze,
    "test_subset": TestSubset,
    "views": Views,
    "watch": Watch,
}

AS_IT_IS = "as_it_is"  # a form of jsonargparse's dumps that is no text
set_dumper(AS_IT_IS, lambda content: content)
UNWRITABLE = r"\s*Unable to serialize instance"  # of jsonargparse

HEADER = "# The merged config of this run: fit --config with this file repeats it.\n"


@dataclass(frozen=True)
class Origin:
    """Where a run comes from.

    Attributes:
        config_text: Content of its `config.yaml`; None writes none.
        command: The command, as it was typed; None from Python.
        seed: The seed that makes this run again, weights included; None where there is none.
        unknown: What the config does not hold of a run from Python.
    """

    config_text: str | None = None
    command: str | None = None
    seed: int | None = None
    unknown: tuple[str, ...] = ()

    @cached_property
    def settings(self) -> dict[str, Any] | None:
        """The content of its `config.yaml`; None where there is none."""
        return None if self.config_text is None else load_plain(self.config_text)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The settings that make it this run and no other, by dotted key; those that are not set are left out."""
        settings = {"seed": self.seed} | flatten(self.settings or {})
        short = {key.removesuffix(".class_path"): value for key, value in settings.items()}
        return {key: value for key, value in short.items() if value is not None and not key.startswith(SAME_RECIPE)}

    @classmethod
    def of_command(cls, command: str, config: dict[str, Any]) -> "Origin":
        """Returns the origin of a run of the command, which seeds before it draws weights, unless it is told not to.

        Args:
            command: The command, as it was typed.
            config: The config as it is recorded.
        """
        seed = config["seed_everything"]
        return cls(config_file_text(config), command, None if seed is False else seed)


class PlainSettings(NamedTuple):
    """Merged settings as plain values: mappings, lists, texts, numbers.

    Attributes:
        values: The settings.
        unwritable: The first value that has no form in a file, such as a function, in words; empty if all have one.
    """

    values: dict[str, Any]
    unwritable: str = ""


def plain_settings(parser: ArgumentParser, settings: Namespace) -> PlainSettings:
    """Returns merged settings as plain values, with arguments of the model that the data gives where they are given.

    Args:
        parser: The parser of the subcommand.
        settings: What it parsed.
    """
    unwritable = ""
    how = {"format": AS_IT_IS, "skip_unset": False, "skip_link_targets": False, "skip_validation": True}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", UNWRITABLE)
        try:
            content = parser.dump(settings, **how)
        except UserWarning as warning:
            unwritable = " ".join(str(warning).split("instance", 1)[1].split())
            warnings.filterwarnings("ignore", UNWRITABLE)
            content = parser.dump(settings, **how)
    return PlainSettings(as_plain(content), unwritable)


def recorded_config(plain: PlainSettings, linked: tuple[str, ...]) -> dict[str, Any]:
    """Returns the merged config in the form in which it is recorded.

    Args:
        plain: The merged settings.
        linked: Arguments of the model that the data states; recorded if given beside data of another package.

    Returns:
        The config, without options of one call, and with absolute paths.

    Raises:
        InputError: A value, such as a function, has no form in a file.
    """
    if plain.unwritable:
        raise InputError(f"{plain.unwritable}: a setting that cannot be written into config.yaml repeats no run")
    config = as_plain(plain.values)
    for key in OPTIONS_OF_ONE_CALL:
        config.pop(key, None)
    arguments = config["model"].get("init_args") or {}
    given = {name: arguments.pop(name) for name in linked if name in arguments}
    if not is_own_data(config):  # data of this project states them
        arguments |= {name: value for name, value in given.items() if value is not None}
    if not arguments:
        config["model"].pop("init_args", None)
    make_paths_absolute(config["data"].get("init_args", {}), data_class(config).paths)
    make_paths_absolute(arguments, task_class(config).paths)
    make_paths_absolute(config, ("weights",))
    return config


def config_file_text(config: dict[str, Any], header: str = HEADER) -> str:
    """Returns the content of a run's `config.yaml`, behind a comment."""
    return header + dump_plain(config, allow_unicode=False)
