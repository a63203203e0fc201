"""The runs of a report: which there are, and what their folders say of each."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files.home import from_home
from core.files.input_files import is_within
from core.files.plain_json import load_json
from core.metric_rows import NAME, intact_rows
from core.run_layout import CONFIG, has_config
from core.summary import ENDED_WELL, RECORD_FILES, SUMMARY, finite_figures
from engine.runs.trial_file import TRIAL_FILE, Trial, read_trial
from engine.settings.config_files import flatten
from engine.settings.run_identity import SAME_RECIPE
from studies.points import SEED
from studies.run_on_disk import RunOnDisk, refused
from studies.study_file import MODE_OF
from studies.study_folder import DESCRIPTION, WITHOUT_FIGURES

CHECKED = ("weights",)  # of SAME_RECIPE, and another run all the same
UNDER_WAY = ("open", "running")


@dataclass(frozen=True, kw_only=True)
class ReportedRun:
    """A run.

    Attributes:
        path: Its folder.
        summary: Content of its `summary.json`; empty where that is missing or damaged.
        settings: What makes it this run, by dotted key: no seed, no folder, and nothing that only makes it faster.
        status: How it ended, or how far it is.
        reason: Why it failed, if that is known.
        seed: Its seed.
        rows: The rows of its `metrics.csv`, without empty cells.
        trial: What a study says of it; None for any other run.
    """

    path: Path
    summary: dict[str, Any]
    settings: dict[str, Any]
    status: str
    reason: str
    seed: Any
    rows: list[dict[str, float]]
    trial: Trial | None

    @property
    def name(self) -> str:
        """Its folder's name, with that of the folder around it."""
        return "/".join(self.path.parts[-2:])

    @property
    def seconds(self) -> float | None:
        """How long it has trained."""
        return (self.summary.get("seconds") or {}).get("fit")

    @property
    def figures(self) -> dict[str, float]:
        """What it has reached, by logged name; nothing for one that has failed."""
        return {} if self.status in WITHOUT_FIGURES else finite_figures(self.summary)

    @property
    def has_ended(self) -> bool:
        """Whether it is not under way.

        A trial that was saved, or killed, goes on until its study says how it ended; one that `fit --ckpt_path` has
        finished says so itself.
        """
        if self.trial is None:
            return self.status not in UNDER_WAY
        return self.trial.ended is not None or self.status in ENDED_WELL

    @property
    def compared(self) -> dict[str, float]:
        """What counts of its figures: nothing of a trial that is still to go on, or was pruned after a few epochs."""
        whole = self.trial is None or (self.has_ended and self.trial.pruned is None)
        return self.figures if whole else {}


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a study's folder says of it.

    Attributes:
        name: Its name.
        metric: Logged name of the value that counts: its file's, or the model's own; None if neither names one.
        mode: Whether less (`min`) or more (`max`) of it is better.
        base: The settings of all its trials, by dotted key.
        file: What its file holds.
        seeds: Seeds with which each of its points is trained; none if the file says all.
    """

    name: str
    metric: str | None
    mode: str | None
    base: dict[str, Any]
    file: dict[str, Any]
    seeds: list[int]

    @classmethod
    def read(cls, folder: Path) -> "Study | None":
        """Reads a folder; returns None if it is none of a study.

        Raises:
            InputError: It is, and is damaged.
        """
        _check_own(folder, DESCRIPTION)
        try:
            content = load_json((folder / DESCRIPTION).read_text(encoding="utf-8"))
            file = content["file"]
            metric = file.get("metric") or content.get("compared_by") or {}
            return cls(
                name=str(file.get("name") or folder.name),
                metric=metric.get("name"),
                mode=MODE_OF[metric.get("goal", "minimize")] if metric else None,
                base=dict(content.get("settings") or {}),
                file=file,
                seeds=list(content.get("seeds") or []),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{folder / DESCRIPTION}: damaged ({error})") from error


def find_runs(given: Sequence[str]) -> tuple[list[ReportedRun], Study | None]:
    """Reads runs.

    Args:
        given: Folders of runs, and folders that have some below them at any depth.

    Returns:
        The runs, those of a folder by their path, and the study that they are of, if they are of one.

    Raises:
        InputError: A folder holds none.
    """
    folders: dict[Path, None] = {}
    studies: dict[Path, Study | None] = {}
    for word in given:
        path = from_home(word)
        path = path.resolve() if path.exists() else path
        below = [path] if _is_run(path) else sorted(_below(path))
        if not below:
            raise refused("report", word)
        folders |= dict.fromkeys(below)
    for path in folders:
        if path.parent not in studies:
            studies[path.parent] = Study.read(path.parent)
    runs = [_read(path, studies[path.parent]) for path in folders]
    of_one = len(studies) == 1 and all(run.trial is not None for run in runs)
    return runs, next(iter(studies.values())) if of_one else None


def _check_own(folder: Path, name: str) -> None:
    """Checks that a file of a folder is no link to one elsewhere, which a page must not show.

    Raises:
        InputError: It is one.
    """
    if not is_within(folder / name, folder):
        raise InputError(f"{folder / name}: is a link out of its folder; put a copy of the file in its place")


def _is_run(path: Path) -> bool:
    return (path / TRIAL_FILE).is_file() or (has_config(path) and (path / SUMMARY).is_file())


def _below(path: Path) -> set[Path]:
    if not path.is_dir():
        return set()
    return {file.parent for name in (CONFIG, TRIAL_FILE) for file in path.rglob(name) if _is_run(file.parent)}


def _read(path: Path, study: Study | None) -> ReportedRun:
    for name in (*RECORD_FILES, TRIAL_FILE):
        _check_own(path, name)
    on_disk = RunOnDisk.read(path)
    try:
        trial = read_trial(path)
    except ValueError:  # damaged
        trial = None
    ended = (trial.ended if trial is not None else None) or {}
    try:
        settings = on_disk.settings()
    except InputError:  # it has not begun, or the file is damaged
        settings = {} if study is None else study.base | flatten({} if trial is None else trial.settings)
    status = ended.get("status") or ("open" if trial is not None and not on_disk.summary else on_disk.status)
    return ReportedRun(
        path=path,
        summary=on_disk.summary,
        settings={key: value for key, value in settings.items() if key in CHECKED or not key.startswith(SAME_RECIPE)},
        status=str(status),
        reason=str(ended.get("reason") or ""),
        seed=on_disk.summary.get("seed", settings.get(SEED)),
        rows=_rows(path),
        trial=trial,
    )


def _rows(run: Path) -> list[dict[str, float]]:
    rows = csv.DictReader(intact_rows(run / NAME))
    return [{name: float(text) for name, text in row.items() if text} for row in rows]
