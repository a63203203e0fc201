"""The records of studies, `results/studies/<name>.json`: what the trials of a file in `configs/studies/` reached."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from core.errors import InputError
from core.files.atomic_files import write_atomically
from core.files.plain_json import load_json
from core.measures import Measure, measure_of, merit
from core.summary import SUMMARY, strict_json
from engine.settings.arguments import parse_command_line
from engine.settings.config_files import flatten, read_config
from engine.settings.config_names import CONFIGS
from results.config_list import describe
from results.figures import mean_std
from results.records import STUDIES, without_folder
from results.settings import refuse_others
from results.table import Table
from studies.making import is_complete
from studies.points import SEED, Points
from studies.report.groups import Group, group
from studies.report.metrics import Metrics
from studies.report.reported import ReportedRun, Study, find_runs
from studies.study_file import StudyFile, read_study_file
from studies.study_folder import DESCRIPTION

PREFIXES = ("val/", "train/")


@dataclass(frozen=True)
class StudyPoint:
    """The trials of a study that differ in their seed alone.

    Attributes:
        label: Their settings in words, such as `lr=0.1`.
        settings: What a study's file varies, by dotted key.
        runs: What each trial says: `seed`, `status`, `metrics`, `seconds`.
    """

    label: str
    settings: dict[str, Any]
    runs: list[dict[str, Any]]

    def values(self, name: str) -> list[float]:
        """Returns a logged value of all trials that have it."""
        return [run["metrics"][name] for run in self.runs if run["metrics"].get(name) is not None]

    @property
    def failures(self) -> dict[str, int]:
        """How many trials ended in each way that leaves no figures to compare."""
        ends = [run["status"] for run in self.runs if not run["metrics"]]
        return {end: ends.count(end) for end in dict.fromkeys(ends)}


@dataclass(frozen=True)
class StudyRecord:
    """A study that has ended.

    Attributes:
        name: Name of its file.
        metric: Logged name of the value that counts.
        better: Whether less (`min`) or more (`max`) of it is better.
        measures: What is known of each measure, by its name.
        points: Its points, in their order.
        source: The data, and where it came from, without the folder.
        hardware: What it ran on.
        torch: Release of torch.
        about: What its file says that it is.
    """

    name: str
    metric: str
    better: str
    measures: dict[str, Measure]
    points: list[StudyPoint]
    source: str
    hardware: str
    torch: str
    about: str = ""

    @property
    def logged(self) -> list[str]:
        """Logged values of the trials: first the one that counts, then the others of validation and training."""
        names = {name for point in self.points for run in point.runs for name in run["metrics"]}
        others = [name for part in PREFIXES for name in sorted(names) if name.startswith(part) and name != self.metric]
        return [self.metric, *(name for name in others if measure_of(name, self.measures))]

    @property
    def best(self) -> StudyPoint:
        """The point with the best mean."""
        reached = [point for point in self.points if point.values(self.metric)]
        return max(reached, key=lambda point: merit(fmean(point.values(self.metric)), self.better))

    @property
    def seconds(self) -> float:
        """How long all trials took together."""
        return sum(run["seconds"] for point in self.points for run in point.runs)

    def figure(self, point: StudyPoint, name: str) -> str:
        """Returns a point's figure as text, such as `97.12 ± 0.21`; shares in percent."""
        measure = measure_of(name, self.measures) or Measure(name, "min")
        return mean_std([measure.scale * value for value in point.values(name)], measure.digits)


def add_study(folder: Path, given: Path, table: Table) -> StudyRecord:
    """Records a study.

    Args:
        folder: Folder of the records.
        given: The study's folder.
        table: The table, which says how data can lie in a folder.

    Raises:
        InputError: It is not of a file in `configs/studies/` as that is now, has not ended, or is of synthetic data.
    """
    runs, study = find_runs([str(given)])
    if study is None or not (given / DESCRIPTION).is_file():
        raise InputError(f"{given}: no study's folder")
    points = Points(_check(given, study), study.seeds)
    metrics = Metrics.of(runs, study, None, None)
    groups = sorted(group(runs, study, metrics), key=lambda one: min(run.path.name for run in one.runs))
    trials = [run.trial for run in runs if run.trial is not None]
    if not all(run.has_ended for run in runs) or not is_complete(trials, points):
        ended = sum(run.has_ended for run in runs)
        raise InputError(
            f"{given}: has not ended, with {ended} of {points.total} trials; the same command goes on with it"
        )
    if metrics.counts is None or not any(metrics.counts in run.compared for run in runs):
        raise InputError(f"{given}: no trial has a value of {metrics.counts or 'a metric that could count'}")
    stated = [_stated(run) for run in runs if run.compared]
    data = {(one["name"], without_folder(one["source"], table.layouts)) for one in stated}
    if any(source.startswith("synthetic") for _, source in data):
        raise InputError(f"{given}: a study on synthetic data does not count")
    content = {
        "file": study.file,
        "metric": metrics.counts,
        "better": metrics.mode,
        "measures": {name: entry for one in stated for name, entry in one["measures"].items()},
        "points": [_point(one) for one in groups],
        "source": ", ".join(f"{name} ({source})" for name, source in sorted(data)),
        "hardware": ", ".join(sorted({one["hardware"] for one in stated})),
        "torch": ", ".join(sorted({one["torch"] for one in stated})),
    }
    path, text = folder / STUDIES / f"{study.name}.json", strict_json(content)
    record = _parse(text, path)  # before it is written: with one that cannot be read no page can be made
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)
    return record


def read_studies(folder: Path) -> dict[str, StudyRecord]:
    """Reads all records of studies, by name.

    Raises:
        InputError: One is malformed, or its file is another by now.
    """
    paths = sorted((folder / STUDIES).glob("*.json"))
    return {path.stem: _parse(path.read_bytes(), path) for path in paths}


def _parse(text: str | bytes, path: Path) -> StudyRecord:
    """Makes a record of a file's text.

    Raises:
        InputError: It is malformed, no trial has a value of the metric, or the study's file is another by now.
    """
    file = CONFIGS / STUDIES / f"{path.stem}.yaml"
    if not file.is_file():
        raise InputError(f"{path}: there is no study {file.name}")
    now = read_config(file)
    try:
        content = load_json(text)
        stated = content["file"]
        record = StudyRecord(
            name=path.stem,
            metric=content["metric"],
            better=content["better"],
            measures={name: Measure(name, **entry) for name, entry in content["measures"].items()},
            points=[StudyPoint(**point) for point in content["points"]],
            source=content["source"],
            hardware=content["hardware"],
            torch=content["torch"],
            about=describe(file),
        )
        if not any(point.values(record.metric) for point in record.points):
            raise ValueError(f"no trial has a value of {record.metric}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: no record of a study ({error})") from error
    if not _same(stated, now):
        raise InputError(f"{path}: {file.name} says something else by now: run the study anew")
    return record


def _check(given: Path, study: Study) -> StudyFile:
    """Returns the file in `configs/studies/` that a study is of.

    Raises:
        InputError: It is of none, or its trials have other settings in common.
    """
    from engine.cli.merged_settings import merged_settings  # takes seconds, which reading records need not

    path = CONFIGS / STUDIES / f"{study.name}.yaml"
    if not path.is_file() or not _same(study.file, read_config(path)):
        raise InputError(f"{given}: is of no file in configs/{STUDIES}/ as that is now")
    file = read_study_file(path)
    settings = _as_json(flatten(merged_settings(file.words)))
    command = parse_command_line(file.words)
    # a setting that is newer than the study, and that nothing gives, is at its default
    keys = study.base.keys() | (settings.keys() & {*command.given, *command.flagged})
    refuse_others(given, study.base, path.name, settings, keys)
    return file


def _stated(run: ReportedRun) -> dict[str, Any]:
    """Returns what a trial's record says beside its figures: the data, the measures, the hardware, and torch's release.

    Raises:
        InputError: It lacks one, as an earlier release did not write all of them.
    """
    try:
        return {
            "name": str(run.summary["data"]["name"]),
            "source": str(run.summary["data"]["source"]),
            "measures": dict(run.summary["measures"]),
            "hardware": str(run.summary["hardware"]),
            "torch": str(run.summary["versions"]["torch"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{run.path / SUMMARY}: lacks what the record of a study needs ({error}), as those of earlier releases do; "
            "make the study anew"
        ) from error


def _same(file: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Returns whether a study's file says the same: `1` and `1.0` batches, or `1` and `true`, are not the same."""
    return json.dumps(file, sort_keys=True) == json.dumps(_as_json(now), sort_keys=True)


def _as_json(content: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(content, default=str))


def _point(one: Group) -> dict[str, Any]:
    runs = sorted(one.runs, key=lambda run: run.path.name)
    settings = {} if runs[0].trial is None else runs[0].trial.settings
    return {
        "label": one.label,
        "settings": {key: value for key, value in settings.items() if key != SEED},
        "runs": [_run(run) for run in runs],
    }


def _run(run: ReportedRun) -> dict[str, Any]:
    return {"seed": run.seed, "status": run.status, "metrics": run.compared, "seconds": run.seconds or 0.0}
