"""Reads the command line as far as it goes without torch, whose import takes seconds.

Config names become files, run folders become checkpoints with their config, and mistyped subcommands and configs are
refused at once.
"""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from core.errors import InputError
from core.run_layout import CONFIG
from core.terminal.printable import shown_path
from core.terminal.shells import as_typed
from engine.settings.class_help import asks_for_class_help
from engine.settings.command_words import Words, check_subcommand, sort_words
from engine.settings.config_files import flatten, load_settings, read_config
from engine.settings.config_names import listed_configs
from engine.settings.overview import TRAINING, typed_command
from engine.settings.run_search import find_begun, find_checkpoint, names_several
from engine.settings.settings_sources import SettingsSources
from engine.settings.trust import Limit, limit

OF_BEGINNING = ("run_dir", "weights")  # options that only a run's beginning takes
ONLY_TYPED = ("config", "ckpt_path")  # options that say which files are read, and are no settings in one


@dataclass
class Arguments:
    """A parsed command line, whose config and checkpoint files exist.

    Attributes:
        subcommand: One of SUBCOMMANDS.
        options: What follows it, for the parser, with every config as a path.
        configs: The configs that the user has named, in order.
        name: Stem of the config, which names the run's folder.
        run: The run folder that `--ckpt_path` stands for or in, or that `--resume auto` has found, if any.
        checkpoint: The checkpoint file of either; None for a run that ended before its first.
        is_newest: Whether `--ckpt_path` left it to the command which run that is.
        gpus: Value of `--gpus`, which asks for GPUs that are chosen before torch is imported.
        gpu_memory: Value of `--gpu_memory`, what has to be free on each.
        given: Dotted keys that the user set in this call, by flag or by `--config`, with flags' values as text. Beside
            `--ckpt_path` a config tells how a run began, and its options of the beginning are not among them.
        flagged: Dotted keys that flags set, those within a mapping among them.
        typed: The whole command, as it can be typed again.
        limit: That a config may be somebody else's, and how far it is limited; None if nothing is.
        trusted: Import paths of code that `--trust` lets configs name from now on.
    """

    subcommand: str
    options: list[str]
    configs: list[Path] = field(default_factory=list)
    name: str = "run"
    run: Path | None = None
    checkpoint: Path | None = None
    is_newest: bool = False
    gpus: str | None = None
    gpu_memory: str | None = None
    given: dict[str, object] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)
    typed: str = ""
    limit: Limit | None = None
    trusted: list[str] = field(default_factory=list)


def parse_command_line(argv: list[str]) -> Arguments:
    """Turns a command line into Arguments.

    Precedence is flag, then `--config`, then the config of the run that `--ckpt_path` names: the parser reads settings
    in order, so these stand in the reverse order in `options`.

    Args:
        argv: What follows the command, beginning with a subcommand.

    Raises:
        InputError: Unknown subcommand or config, a flag before `--config`, a config with an option of one call, or no
            such checkpoint.
    """
    subcommand = argv[0]
    names_run_alone = subcommand == "inspect" and bool(argv[1:]) and not argv[1].startswith("-")
    if names_run_alone:
        argv = [subcommand, "--ckpt_path", *argv[1:]]
    check_subcommand(subcommand)
    words = sort_words(argv[1:], subcommand)
    arguments = Arguments(subcommand, [], typed=f"{typed_command()} {as_typed(*argv)}")
    arguments.gpus, arguments.gpu_memory = words.early.get("--gpus"), words.early.get("--gpu_memory")
    try:
        _find_run(arguments, words)
    except InputError as error:
        if not names_run_alone:
            raise
        raise InputError(str(error).removeprefix("--ckpt_path ")) from error  # an option that nobody has typed

    layers = ([arguments.run / CONFIG] if arguments.run else []) + words.configs
    contents = {
        path: read_config(path) if path.parent != arguments.run else _read_recorded_config(path) for path in layers
    }
    flags, arguments.flagged = _read_flags(words.flags)
    arguments.configs, arguments.given = words.configs, _of_configs(words.configs) | flags
    if arguments.run or arguments.checkpoint:
        for key in OF_BEGINNING:
            if flags.get(key, "null") == "null":
                arguments.given.pop(key, None)
    arguments.limit, arguments.trusted = limit(contents, arguments.checkpoint, words.flags, words.trusts)
    _refuse_only_typed(contents)
    if arguments.given.get("resume") is not None:
        _find_begun_run(arguments, words)
    starts = ["--ckpt_path", str(arguments.checkpoint)] if arguments.checkpoint else []
    arguments.options = [word for path in layers for word in ("--config", str(path))] + starts + words.flags
    if layers:
        arguments.name = words.configs[-1].stem if words.configs else arguments.run.parent.name
    return arguments


def _find_run(arguments: Arguments, words: Words) -> None:
    """Finds the checkpoint and the run that `--ckpt_path` stands for, or sees that the subcommand does without.

    Raises:
        InputError: There is no such checkpoint, or the subcommand needs one, or a config.
    """
    subcommand, configs, flags = arguments.subcommand, words.configs, words.flags
    ckpt_path = words.early.get("--ckpt_path")
    if ckpt_path is not None and subcommand == "lr_find":
        run = find_checkpoint(ckpt_path, subcommand)[1] if names_several(ckpt_path) else ckpt_path
        raise InputError(f"lr_find: begins anew; --weights {run} starts from a run's weights")
    if ckpt_path is not None:
        arguments.checkpoint, arguments.run = find_checkpoint(ckpt_path, subcommand)
        arguments.is_newest = names_several(ckpt_path)
        if arguments.run is None and not configs:
            raise InputError(f"--ckpt_path {ckpt_path}: no config.yaml beside it; name one with --config")
    elif {"--help", "-h", "--help.trainer"} & set(flags) or asks_for_class_help(flags):
        pass
    elif subcommand not in TRAINING and not _works_untrained(subcommand, configs, flags):
        other = "--config and --weights" if subcommand == "predict" else "--config, with --weights or untrained"
        raise InputError(f"{subcommand} needs --ckpt_path, a run folder or a checkpoint file; or {other}")
    elif not configs and not any(flag.startswith(("--help", "--model")) for flag in flags):
        names = "".join(f"\n  {line}" for line in listed_configs())
        raise InputError(f"{subcommand} needs --config NAME, one of{names}")


def _find_begun_run(arguments: Arguments, words: Words) -> None:
    """Finds the run that `--resume` goes on with, if it has begun.

    Raises:
        InputError: The subcommand does not resume.
    """
    if arguments.subcommand == "lr_find":
        raise InputError("lr_find: begins anew; --resume is for fit")
    if arguments.subcommand != "fit":
        return
    arguments.checkpoint, arguments.run = find_begun(arguments.given, words.early.get("--ckpt_path"))
    if arguments.run:  # this command alone says what the run is
        for key in OF_BEGINNING:
            arguments.given.pop(key, None)


def _refuse_only_typed(contents: dict[Path, dict]) -> None:
    """Checks that configs have no option which the command line alone can give: no check would know of it.

    Raises:
        InputError: One has, other than null.
    """
    for path, content in contents.items():
        for name in ONLY_TYPED:
            if content.get(name) is not None:
                place = SettingsSources(["--config", str(path)]).take(name)
                where = (
                    place.name if place else f"{shown_path(path)}: {name}"
                )  # what YAML merges has no place of its own
                raise InputError(f"{where}: is an option of one call, and no setting: give --{name} instead")


def _of_configs(configs: list[Path]) -> dict[str, object]:
    """Returns what configs set, by dotted keys."""
    given: dict[str, object] = {}
    for path in configs:
        given |= flatten(read_config(path))
    return given


def _read_flags(flags: list[str]) -> tuple[dict[str, str], set[str]]:
    """Returns what flags set as text, by dotted keys; and these keys with those of mappings among the values.

    Raises:
        InputError: A mapping has a name twice.
    """
    given: dict[str, str] = {}
    within: set[str] = set()
    for flag, following in zip(flags, [*flags[1:], ""], strict=False):
        if flag.startswith("--"):
            option, equals, value = flag.partition("=")
            key = option[2:].replace(".init_args", "")
            given[key] = value = value if equals else following
            if value.startswith("{"):
                within |= {f"{key}.{name}" for name in flatten(_mapping(option, value))}
    return given, {*given, *within}


def _read_recorded_config(path: Path) -> dict:
    """Reads the config of the run that is used.

    Raises:
        InputError: It is damaged; says how the run's checkpoints are used nevertheless.
    """
    try:
        return read_config(path)
    except InputError as error:
        way_out = f"--config NAME --ckpt_path {path.parent}, with the config that it was made with"
        raise InputError(f"{error}; rename this file, and the run's checkpoints go by {way_out}") from error


def _works_untrained(subcommand: str, configs: list[Path], flags: list[str]) -> bool:
    """Returns whether a subcommand that uses a network can do without a checkpoint."""
    return bool(configs) and (subcommand != "predict" or any(flag.partition("=")[0] == "--weights" for flag in flags))


def _mapping(option: str, value: str) -> dict:
    """Returns the mapping in a flag, an empty one for what is none: the parser answers any other mistake in it.

    Raises:
        InputError: It has a name twice.
    """
    try:
        settings = load_settings(value)
    except yaml.constructor.ConstructorError as error:
        raise InputError(f"{option} {value}: {error.problem}") from error
    except yaml.YAMLError:
        return {}
    return settings if isinstance(settings, dict) else {}
