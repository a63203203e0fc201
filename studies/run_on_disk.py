"""What a run's folder says of the run, without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files.home import from_home
from core.measures import format_figure, stated_measures
from core.run_layout import CONFIG, newest_first, runs_below
from core.summary import SUMMARY, summary_of
from engine.settings.config_files import flatten, read_config
from engine.settings.overview import typed_command
from engine.settings.run_commands import VERBS
from studies.claims import is_free

NOTHING = "-"  # in place of what is not known


@dataclass(frozen=True)
class RunOnDisk:
    """What a run's folder says of the run.

    Attributes:
        path: The folder.
        summary: Content of its `summary.json`; empty where that is missing or damaged.
    """

    path: Path
    summary: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "RunOnDisk":
        """Reads a folder."""
        return cls(path, summary_of(path))

    @property
    def status(self) -> str:
        """How far it is; `killed` where it says that it is running and no process has it."""
        said = self.summary.get("status", NOTHING)
        return "killed" if said == "running" and is_free(self.path / ".lock") else said

    @property
    def best(self) -> str:
        """The figures of its best checkpoint."""
        reached = (self.summary.get("best") or self.summary.get("last") or {}).get("metrics", {})
        measures = stated_measures(self.summary)
        known = {name: value for name, value in reached.items() if value is not None}
        return " ".join(f"{name} {format_figure(name, value, measures)}" for name, value in known.items())

    @property
    def next_command(self) -> list[str]:
        """The command that tests or uses it, as words; nothing if neither can be."""
        words = self.summary.get("next_command", ["test"])  # earlier releases did not tell
        return words if words and all(isinstance(word, str) for word in words) and words[0] in VERBS else []

    @property
    def seconds(self) -> float | None:
        """How long it has trained."""
        return (self.summary.get("seconds") or {}).get("fit")

    def settings(self) -> dict[str, Any]:
        """Returns its settings by dotted key.

        Raises:
            InputError: They cannot be read.
        """
        return flatten(read_config(self.path / CONFIG))


def runs_in(root: Path) -> list[RunOnDisk]:
    """Returns the runs in a folder, at any depth, that have a record; that which came further last first."""
    return [RunOnDisk.read(path) for path in newest_first(runs_below(root)) if (path / SUMMARY).exists()]


def refused(command: str, given: str) -> InputError:
    """Returns an error that says why a name is none of runs.

    Args:
        command: Name of the command that it was given to.
        given: The name.
    """
    path = from_home(given)
    if path.is_dir():
        reason = "no run is in this folder or below it: none has config.yaml and summary.json"
    else:
        reason = "a file, and no run's folder" if path.exists() else "no such folder"
    return InputError(f"{command} {given}: {reason}; '{typed_command()} runs FOLDER' lists runs")
