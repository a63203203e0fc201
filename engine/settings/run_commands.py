"""The commands that take a run further, ready to be pasted; imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from core.printable import shown_path
from core.shells import as_typed
from engine.settings.config_files import read_config
from engine.settings.overview import typed_command
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
    """Returns `--trust`, if the config of a run names code for which it is needed."""
    config = run / "config.yaml"
    return ["--trust"] if config.is_file() and needs_trust(read_config(config)) else []
