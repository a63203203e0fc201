"""The figures of records, as they are shown."""

from collections.abc import Mapping
from statistics import mean

from core.measures import standard_deviation
from results.records import Record
from results.rows import CountedMeasure


def figures(records: list[Record], metric: str, measure: CountedMeasure) -> list[float]:
    """Returns a logged value of all runs that have it; shares in percent, as the words after it say."""
    scale = measure.scale if "%" in measure.shown.get(metric, measure.unit) else 1
    return [scale * record.metrics[metric] for record in records if metric in record.metrics]


def mean_std(values: list[float], digits: int) -> str:
    """Returns values as `mean ± standard deviation`, as the one there is, or as `-`.

    Args:
        values: The values.
        digits: Decimal places; a thousand and more has none.
    """
    if not values:
        return "-"
    if abs(mean(values)) >= 1000:
        digits = 0
    deviation = standard_deviation(values)
    return f"{mean(values):,.{digits}f}" + ("" if deviation is None else f" ± {deviation:,.{digits}f}")


def show(records: list[Record], metric: str, measure: CountedMeasure) -> str:
    """Returns a logged value of all runs that have it, as text."""
    return mean_std(figures(records, metric, measure), measure.digits)


def times(records: list[Record], names: Mapping[str, str] | None = None) -> str:
    """Returns the mean seconds of runs on each kind of hardware, such as `1,833 s on A and 31 s on B`.

    Args:
        records: The runs.
        names: What to call hardware; by its own name if not given.
    """
    by_hardware: dict[str, list[float]] = {}
    for record in records:
        name = record.hardware if names is None else names[record.hardware]
        by_hardware.setdefault(name, []).append(record.seconds)
    return " and ".join(f"{mean(seconds):,.0f} s on {name}" for name, seconds in sorted(by_hardware.items())) or "-"


def of_last(records: list[Record], metric: str) -> bool:
    """Returns whether a logged value is validation of the last epoch, in one of the runs at least."""
    return metric.startswith("val/") and any(record.validation_of_last for record in records)
