"""Which figure of the runs counts, and how figures are written."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import InputError
from core.measures import MODES, Measure, format_figure, measure_of, stated_measures
from studies.report.reported import ReportedRun, Study


@dataclass(frozen=True)
class Metrics:
    """What the runs have measured.

    Attributes:
        counts: Logged name of the figure that runs are compared by; None if they have none.
        mode: Whether less (`min`) or more (`max`) of it is better.
        measures: What is known of each measure, by its name.
    """

    counts: str | None
    mode: str
    measures: dict[str, Measure] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Sequence[ReportedRun], study: Study | None, asked: str | None, mode: str | None) -> "Metrics":
        """Finds them.

        Args:
            runs: The runs.
            study: Their study, if they are of one; its metric counts.
            asked: Logged name of the figure that counts, if the user has named one.
            mode: Which is better, if the user has said so.

        Raises:
            InputError: No run has measured what was asked for.
        """
        measures = {name: one for run in runs for name, one in stated_measures(run.summary).items()}
        if asked is not None:
            names = sorted({name for run in runs for name in run.figures})
            if asked not in names:
                raise InputError(f"--metric {asked}: no run has measured it; there are {', '.join(names) or 'none'}")
        if study is not None and study.metric is not None and asked in (None, study.metric):
            name, found = study.metric, study.mode
        elif asked is not None:
            name, found = asked, _stated_mode(runs, asked)
        else:
            name, found = _monitored(runs) or _found_out(runs, measures) or (None, None)
        known = measure_of(name or "", measures)
        return cls(name, mode or found or (known.better if known is not None else "min"), measures)

    def text(self, name: str, value: float | None, deviation: float | None = None) -> str:
        """Returns a figure as text, such as `93.41 ± 0.12 %`.

        Args:
            name: Its logged name.
            value: The value; None is an empty text.
            deviation: Its standard deviation over runs, if there are several.
        """
        return "" if value is None else format_figure(name, value, self.measures, deviation)


def _monitored(runs: Iterable[ReportedRun]) -> tuple[str, str] | None:
    """Returns what most runs chose their best weights by, as their summaries say it."""
    return next((pair for pair, _ in _monitors(runs).most_common(1)), None)


def _stated_mode(runs: Iterable[ReportedRun], name: str) -> str | None:
    """Returns whether less or more of a figure is better, as most of the runs say that chose their weights by it."""
    return next((mode for (monitor, mode), _ in _monitors(runs).most_common() if monitor == name), None)


def _monitors(runs: Iterable[ReportedRun]) -> Counter[tuple[str, str]]:
    """Counts what runs chose their best weights by, with whether less or more of it is better."""
    stated = [run.summary.get("monitor") for run in runs]
    return Counter(
        (one["name"], one["better"])
        for one in stated
        if isinstance(one, dict) and isinstance(one.get("name"), str) and one.get("better") in MODES
    )


def _found_out(runs: Iterable[ReportedRun], measures: Mapping[str, Measure]) -> tuple[str, str] | None:
    """Returns what runs that do not say it have chosen their best weights by, as those of earlier releases do not.

    It is the validation figure that is least, or greatest, at the step of the best checkpoint. One whose values are all
    equal, as after one epoch, tells nothing; nor does one that is at its worst, by what its measure states.
    """
    votes: Counter[tuple[str, str]] = Counter()
    for run in runs:
        best: Mapping[str, Any] = run.summary.get("best") or {}
        for name, value in best.get("metrics", {}).items():
            values = [row[name] for row in run.rows if name in row and math.isfinite(row[name])]
            if len({*values}) < 2 or value is None or not name.startswith("val"):
                continue
            known = measure_of(name, measures)
            slack = 1e-4 * abs(value)  # the rows have six digits
            for mode, is_best in (("max", value >= max(values) - slack), ("min", value <= min(values) + slack)):
                if is_best and (known is None or known.better == mode):
                    votes[name, mode] += 1
    return votes.most_common(1)[0][0] if votes else None
