"""The commands that take a run further, ready to be pasted; imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from core.run_layout import CONFIG, has_config
from core.terminal.printable import shown_path
from core.terminal.shells import as_typed
from engine.settings.config_files import read_config
from engine.settings.overview import typed_command
from engine.settings.sending import is_own_run, sending_loggers
from engine.settings.trust import needs_trust

VERBS = {"test": "test", "predict": "use"}  # what the commands that come after training do with a run


def command_of_run(run: Path, words: Sequence[str]) -> str:
    """Returns the command that does something with a run, as it is typed from the current folder.

    Args:
        run: The run's folder.
        words: A subcommand, and its options but `--ckpt_path` and `--trust`.
    """
    subcommand, *options = words
    ckpt_path = ["--ckpt_path", shown_path(run)]
    return f"{typed_command()} {as_typed(subcommand, *ckpt_path, *options, *trust_of_run(run))}"


def trust_of_run(run: Path) -> list[str]:
    """Returns `--trust`, if the config of a run names code or loggers for which it is needed."""
    if not has_config(run):
        return []
    config = read_config(run / CONFIG)
    sends = bool(sending_loggers(config)) and not is_own_run(run, config)
    return ["--trust"] if sends or needs_trust(config) else []
