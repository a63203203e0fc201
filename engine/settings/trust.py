"""Which code a config that comes with a run or a checkpoint may name: it can come from anybody.

It may name classes of this project and of the libraries that it stands on, and what the user has trained with or
trusted before. `--trust` adds what else it names to these; what lies in the run's folder itself is never run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.code.known_code import add_to_list, is_known, may_be_named
from core.errors import InputError
from core.run_layout import CHECKPOINTS
from core.terminal.printable import say
from engine.settings.command_words import OPTIONS_OF_ONE_CALL
from engine.settings.import_paths import import_paths, is_below, names_in_words
from engine.settings.sending import ONLINE, is_own_run, note_own_run, own_runs_file

BESIDE = (CHECKPOINTS, "summary.json", "trial.json", "study.json")  # what lies beside the config of a run or study
OTHER = "is neither of this project nor of torch, torchvision, torchmetrics or Lightning"
WAY_OUT = "if you trust this code, add --trust"
HELD_BACK = "comes from this config and not from you, so figures stay in the run's folder; --wandb online sends them"


@dataclass(frozen=True)
class Limit:
    """That a command line has a config that may be somebody else's, which is limited in what it may name.

    Attributes:
        config: The config.
        named: Import paths that it names.
        chosen: Import paths that are the user's own choice: those of `named` on the list, and those given in this call.
        asked: Keys at the top that flags or the user's own configs decide.
        may_send: Whether it may send figures as it says: the run is the user's own.
    """

    config: Path
    named: frozenset[str]
    chosen: frozenset[str]
    asked: frozenset[str] = frozenset()
    may_send: bool = False

    @property
    def packages(self) -> set[str]:
        """The modules or packages at the top that may be imported from."""
        return {name.partition(".")[0] for name in self.named | self.chosen}


def comes_with_run(config: Path, checkpoint: Path | None = None) -> bool:
    """Returns whether a config comes with a run or a study, or with the checkpoint that is used.

    Args:
        config: The config.
        checkpoint: The checkpoint.
    """
    with_checkpoint = checkpoint is not None and checkpoint.resolve().parent == config.resolve().parent
    return with_checkpoint or any(config.with_name(name).exists() for name in BESIDE)


def limit(
    configs: Mapping[Path, dict[str, Any]], checkpoint: Path | None, flags: Iterable[str], trusted: bool
) -> tuple[Limit | None, list[str]]:
    """Checks what the configs of a command line name, as far as they may be somebody else's.

    Args:
        configs: What the configs hold.
        checkpoint: The checkpoint that is used.
        flags: What else stands in the command line.
        trusted: Whether the user trusts whoever made them.

    Returns:
        In which way the parser is limited, if it is; and the import paths that have come onto the user's list.

    Raises:
        InputError: A config names code that it may not name, or gives options of a call.
    """
    others = {path: content for path, content in configs.items() if comes_with_run(path, checkpoint)}
    for path, content in others.items():
        refuse_foreign_code(path, content, trusted)
        if not trusted:
            _refuse_options_of_call(path, content)
    if not others or trusted:
        for path, content in others.items():
            note_own_run(path.parent, content)
        return None, add_to_list(name for content in others.values() for name in _foreign(content))
    named = [name for content in others.values() for _, name in import_paths(content)]
    given = [name for path, content in configs.items() if path not in others for _, name in import_paths(content)]
    flags = [*flags]
    chosen = [name for name in named if not is_known(name)] + given + [*names_in_words(flags)]
    asked: set[str] = set()
    for path, content in configs.items():  # a later one decides
        asked = asked - content.keys() if path in others else asked | content.keys()
    asked |= {flag.partition("=")[0].removeprefix("--") for flag in flags if flag.startswith("--")}
    may_send = all(is_own_run(path.parent, content) for path, content in others.items())
    return Limit(next(iter(others)), frozenset(named), frozenset(chosen), frozenset(asked), may_send), []


def refuse_foreign_code(config: Path, content: dict[str, Any], trusted: bool = False, way_out: str = WAY_OUT) -> None:
    """Checks that a config that comes with a run names no code that its reader has no reason to run.

    Nothing is imported.

    Args:
        config: The config.
        content: What it holds.
        trusted: Whether the user trusts whoever made it.
        way_out: What a user does who trusts it; ends the message.

    Raises:
        InputError: It names other code; says which.
    """
    for key, name in import_paths(content):
        if name.startswith("__main__."):
            raise InputError(
                f"{config}: {key} {name} was defined in a notebook or script; put it into a module, and name that there"
            )
        if is_below(name, config.parent):
            raise InputError(
                f"{config}: {key} {name} is code within the run's own folder, which is never run; "
                "move the module elsewhere"
            )
        if not trusted and not may_be_named(name):
            raise InputError(f"{config}: {key} {name} {OTHER}; {way_out}")


def _refuse_options_of_call(config: Path, content: dict[str, Any]) -> None:
    """Checks that a config that comes with a run says neither what is read and written in a call, nor where.

    Raises:
        InputError: It does; no run records such an option.
    """
    for key in OPTIONS_OF_ONE_CALL:
        if content.get(key) is not None:  # --print_config has written them as null
            reason = "is an option of one call, which no run records"
            raise InputError(f"{config}: {key} {reason}; remove it there, or add --trust if you trust who wrote it")


def needs_trust(content: dict[str, Any]) -> bool:
    """Returns whether a recorded config names code for which `--trust` is needed."""
    return any(not may_be_named(name) for _, name in import_paths(content))


def note_own(config: dict[str, Any], run: Path | None) -> None:
    """Puts what a config names, with which the user has begun to train, on the user's list.

    Args:
        config: The config as it is recorded.
        run: The run's folder, if the run sends figures as the config says.
    """
    add_to_list(_foreign(config))
    if run is not None and not note_own_run(run, config):
        say(f"note     {own_runs_file()} cannot be written: continued, this run sends figures by --wandb online alone")


def may_send(limit: Limit | None) -> bool:
    """Returns whether figures may be sent as a run says: it is the user's own, or there is none."""
    return limit is None or limit.may_send


def tracking_mode(settings: Mapping[str, Any], limit: Limit | None) -> str:
    """Returns how a run is tracked in Weights & Biases: nothing is sent because a config of anybody says so.

    Args:
        settings: The merged settings.
        limit: How far a config is limited.

    Raises:
        InputError: The user wants it sent, and such a config says to whom.
    """
    mode, entity = settings["wandb"], settings["wandb_entity"]
    if mode != ONLINE or may_send(limit):
        return mode
    if "wandb" not in limit.asked:
        return "offline"
    if entity is not None and "wandb_entity" not in limit.asked:
        way_out = f"add --wandb_entity {entity} to send the figures there, or name another"
        raise InputError(f"{limit.config}: wandb_entity {entity} is what this config says, not you; {way_out}")
    return mode


def _foreign(content: Any) -> list[str]:
    return [name for _, name in import_paths(content) if not is_known(name)]
