"""The words of a command line, told apart by what reads them: configs, options that come before torch, and flags."""

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from engine.settings.config_files import find_config
from engine.settings.overview import OF_NEW, SUBCOMMANDS, TOOLS, TRAINING
from engine.settings.suggestions import option_for, word_suggestion

# What other programs call them.
OTHER_NAMES = {
    "train": "fit",
    "sweep": "study",
    "eval": "validate",
    "evaluate": "validate",
    "classify": "predict",
    "generate": "predict",
    "explain": "inspect",
    "visualize": "inspect",
}
OF_SEVERAL = {
    "--seeds": "fit and study take it",
    "--workers": "fit takes it beside --seeds, and study",
    "--dry_run": "fit takes it beside --seeds, and study",
}
EARLY = ("--ckpt_path", "--gpus", "--gpu_memory")

# Options that belong to one call of the command and not to the run.
OPTIONS_OF_ONE_CALL = (
    *("config", "run_dir", "resume", "ckpt_path"),
    *("weights_only", "verbose", "return_predictions", "input", "output", "invert"),
    *("min_lr", "max_lr", "steps", "part", "only"),
)


@dataclass
class Words:
    """The words that follow a subcommand, by what reads them.

    Attributes:
        configs: Files of `--config`, in order.
        early: Values of the options in EARLY, which the parser never sees.
        flags: All other words, for the parser.
        trusts: Whether `--trust` is among them.
    """

    configs: list[Path] = field(default_factory=list)
    early: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    trusts: bool = False


def check_subcommand(subcommand: str) -> None:
    """Checks a subcommand.

    Raises:
        InputError: There is no such one.
    """
    if subcommand in SUBCOMMANDS:
        return
    if subcommand.startswith("-"):
        raise InputError(f"{subcommand}: a subcommand comes first, such as fit {subcommand}")
    if option := option_for(subcommand):
        raise InputError(f"{subcommand}: a subcommand comes first, such as fit {option} {subcommand}")
    meant = {name: name for name in SUBCOMMANDS | TOOLS} | OTHER_NAMES
    near = difflib.get_close_matches(subcommand, meant, n=1)
    hint = f"did you mean '{meant[near[0]]}'?" if near else f"there are {', '.join(SUBCOMMANDS | TOOLS)}"
    raise InputError(f"unknown subcommand '{subcommand}': {hint}")


def sort_words(words: list[str], subcommand: str) -> Words:
    """Tells configs, early options and flags apart.

    Args:
        words: The words.
        subcommand: Which subcommand they follow.

    Raises:
        InputError: No such config, an option without its value, or in the wrong place.
    """
    found = Words()
    following = iter(words)
    for word in following:
        option, equals, value = word.partition("=")
        if option in ("--config", "-c", *EARLY):
            value = value if equals else next(following, "")
            if not value:
                raise InputError(f"{option} needs a value")
            if option in EARLY:
                found.early[option] = value
                continue
            if found.flags:
                first = found.flags[0]
                raise InputError(f"{first} stands before --config {value}: put --config first and flags after it")
            found.configs.append(find_config(value))
            continue
        _refuse_misplaced(word, first=not found.flags)
        if option in OF_SEVERAL:
            raise InputError(f"{option}: is for several runs: {OF_SEVERAL[option]}")
        if option in OF_NEW and subcommand not in TRAINING:
            raise InputError(f"{option}: is for a run that begins, and none begins here; fit takes it")
        found.flags.append(word)
    found.trusts = "--trust" in found.flags
    found.flags = [flag for flag in found.flags if flag != "--trust"]
    return found


def _refuse_misplaced(word: str, first: bool) -> None:
    """Refuses a mistyped `--config` or `--ckpt_path`, and a word before any option.

    Raises:
        InputError: It is one of these.
    """
    if first and not word.startswith("-"):
        raise InputError(f"{word}: belongs to no option{word_suggestion(word)}")
    option = word.partition("=")[0]
    if re.match(r"-[a-zA-Z_]{2}", option):
        raise InputError(f"{option}: there is no such option; options begin with two dashes: -{option}")
    near = difflib.get_close_matches(option, ("--config", "--ckpt_path"), n=1, cutoff=0.75)
    if option.startswith("--") and near:
        raise InputError(f"{option}: there is no such option; did you mean {near[0]}?")
