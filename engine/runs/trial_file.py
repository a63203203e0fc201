"""`trial.json`, by which a run's folder is a trial of a study; without torch."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.files.atomic_files import write_atomically
from core.files.plain_json import load_json
from core.terminal.printable import counted

TRIAL_FILE = "trial.json"
NOTHING = type(None)
KINDS = {"number": int, "settings": dict, "pruned": (dict, NOTHING), "ended": (dict, NOTHING), "fixed": list}


@dataclass(frozen=True, kw_only=True)
class Halving:
    """When trials are pruned that are worse than others after as many epochs.

    Attributes:
        metric: Logged name of the value that is compared.
        mode: Whether less (`min`) or more (`max`) of it is better.
        epochs: Numbers of epochs after which trials are compared.
        eta: One of so many goes on.
    """

    metric: str
    mode: str
    epochs: list[int]
    eta: float


@dataclass(kw_only=True)
class Trial:
    """A run of a study.

    Attributes:
        number: Its place in the study, from 0.
        settings: What it is given beside the study's command, by dotted key.
        fixed: Which of them are the same in every trial, and need not be named.
        halving: When it is pruned; None if it never is.
        pruned: After how many epochs it was pruned, with its value and the one that it had to reach.
        ended: How it ended (`status`), the reason if it failed, and its seconds; None as long as it is open.
        kills: How often it was killed without having come further.
        reached: Modification time (ns) of its last checkpoint at the latest kill; unchanged means no progress since.
    """

    number: int
    settings: dict[str, Any]
    fixed: list[str] = field(default_factory=list)
    halving: Halving | None = None
    pruned: dict[str, Any] | None = None
    ended: dict[str, Any] | None = None
    kills: int = 0
    reached: int | None = None
    folder: Path = field(default=Path(), compare=False)

    def write(self) -> None:
        """Writes it into its folder."""
        content = {name: value for name, value in asdict(self).items() if name != "folder"}
        write_atomically(self.folder / TRIAL_FILE, json.dumps(content, indent=2) + "\n")


def read_trial(folder: Path) -> Trial | None:
    """Reads the trial that a run's folder is; None for any other run.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        content = load_json((folder / TRIAL_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    try:
        halving = content.pop("halving", None)
        content.setdefault("fixed", [])  # which trials of earlier releases do not have
        for name, kinds in KINDS.items():
            if not isinstance(content.get(name), kinds):
                raise TypeError(f"{name} is {content.get(name)!r:.40}")
        return Trial(**content, halving=None if halving is None else Halving(**halving), folder=folder)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{folder / TRIAL_FILE}: damaged ({error})") from error


def ending_of_pruned(trial: Trial) -> dict[str, Any]:
    """Returns how a trial ended that was pruned."""
    return {"status": "pruned", "reason": f"after {counted(trial.pruned['epochs'], 'epoch')}", "seconds": 0.0}
