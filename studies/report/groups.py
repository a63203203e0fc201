"""Runs of the same settings, which differ in their seeds, are a group: its figures are a mean with a spread."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from core.measures import merit, standard_deviation
from core.summary import ENDED_WELL
from engine.settings.run_identity import is_share
from studies.naming import shown
from studies.points import SEED
from studies.report.metrics import Metrics
from studies.report.reported import ReportedRun, Study

ABSENT = "-"  # in place of a setting that a run does not have
NETWORK = "model.class_path"
LABELLED = 4  # settings at most that name a group; of more, its first run's folder does


@dataclass(frozen=True)
class Statistics:
    """Figures of several runs.

    Attributes:
        values: The figures.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Their mean; None if there are none."""
        return fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Their standard deviation, as a sample's; None for fewer than two."""
        return standard_deviation(self.values)


@dataclass(frozen=True)
class Group:
    """Runs of the same settings.

    Attributes:
        label: Its settings in words, as far as they differ from those of others.
        settings: The settings that differ, by dotted key; a group that lacks one has `ABSENT`.
        runs: The runs.
    """

    label: str
    settings: dict[str, Any]
    runs: list[ReportedRun]

    def statistics(self, name: str) -> Statistics:
        """Returns what its runs have reached, by logged name; trials count if they have ended and were not pruned."""
        return Statistics(tuple(run.compared[name] for run in self.runs if name in run.compared))

    def lacking(self, name: str) -> list[tuple[str, int]]:
        """Returns how those runs have ended that reached no such figure, and how many of them."""
        lost = [run.status for run in self.runs if name not in run.compared]
        return Counter("without a value" if status in ENDED_WELL else status for status in lost).most_common()

    @property
    def seconds(self) -> Statistics:
        """How long its runs have trained."""
        return Statistics(tuple(run.seconds for run in self.runs if run.seconds is not None))

    @property
    def has_ended(self) -> bool:
        """Whether none of its runs is under way, or still to be made."""
        return all(run.has_ended for run in self.runs)

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """How its runs have ended, and how many of them."""
        return Counter(run.status for run in self.runs).most_common()


def group(runs: Sequence[ReportedRun], study: Study | None, metrics: Metrics) -> list[Group]:
    """Returns the groups of runs, the best first; those without a figure come last.

    Args:
        runs: The runs.
        study: Their study: its parameters alone are compared, as they are written in its file.
        metrics: Which figure counts.
    """
    collected: dict[str, list[ReportedRun]] = {}
    for run in runs:
        key = json.dumps(_compared(run, study), sort_keys=True, default=str)
        collected.setdefault(key, []).append(run)
    every = [_compared(members[0], study) for members in collected.values()]
    differing = [name for name in dict.fromkeys(name for one in every for name in one) if _differs(name, every)]
    short = short_names(differing)
    around = Counter(folder for members in collected.values() for folder in {run.path.parent for run in members})
    groups = [
        Group(_label(members, settings, short, around), settings, members)
        for members, compared in zip(collected.values(), every, strict=True)
        for settings in [{name: compared.get(name, ABSENT) for name in differing}]
    ]
    return sorted(_told_apart(groups), key=lambda one: _rank(one, metrics))


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Returns the shortest ends of dotted keys that tell them from each other, such as `lr`."""
    names = list(names)
    plain = {name: name.removesuffix(".class_path").split(".") for name in names}
    short = {}
    for name in names:
        for count in range(1, len(plain[name]) + 1):
            end = plain[name][-count:]
            if sum(other[-count:] == end for other in plain.values()) == 1:
                break
        short[name] = ".".join(end)
    return short


def shown_setting(name: str, value: Any) -> str:
    """Returns a setting's value in words; a class without its package, and a share of all batches unlike a number."""
    if isinstance(value, float) and is_share(name):
        return str(value)  # 1.0 is all of them
    if isinstance(value, str) and name.endswith("class_path"):
        return value.rpartition(".")[2]
    return shown(value)


def _compared(run: ReportedRun, study: Study | None) -> dict[str, Any]:
    if study is not None and run.trial is not None:
        return {name: value for name, value in run.trial.settings.items() if name != SEED}
    return run.settings


def _differs(name: str, every: Sequence[Mapping[str, Any]]) -> bool:
    return len({json.dumps(one.get(name, ABSENT), sort_keys=True, default=str) for one in every}) > 1


def _label(
    runs: Sequence[ReportedRun], settings: Mapping[str, Any], short: Mapping[str, str], around: Mapping[Path, int]
) -> str:
    """Returns a group's settings in words, or where it lies: in a folder without runs of others, that is enough."""
    if not settings or len(settings) > LABELLED:
        parents = {run.path.parent for run in runs}
        own = len(runs) > 1 and len(parents) == 1 and around[runs[0].path.parent] == 1
        network = f"{shown_setting(NETWORK, settings[NETWORK])} " if NETWORK in settings else ""
        return network + (runs[0].path.parent.name if own else runs[0].name)
    return " ".join(f"{short[name]}={shown_setting(name, value)}" for name, value in settings.items())


def _told_apart(groups: Sequence[Group]) -> list[Group]:
    """Returns groups whose labels differ: the second of a name is followed by a 2."""
    seen: Counter[str] = Counter()
    named = []
    for one in groups:
        seen[one.label] += 1
        again = f" ({seen[one.label]})" if seen[one.label] > 1 else ""
        named.append(Group(one.label + again, one.settings, one.runs))
    return named


def _rank(one: Group, metrics: Metrics) -> tuple[bool, float]:
    mean = one.statistics(metrics.counts).mean if metrics.counts else None
    return mean is None, 0.0 if mean is None else -merit(mean, metrics.mode)
