"""The figures of records, as they are shown."""

from statistics import mean, stdev

from results.records import Record
from results.table import CountedMeasure


def figures(records: list[Record], metric: str, measure: CountedMeasure) -> list[float]:
    """Returns a logged value of all runs that have it; shares in percent, as the words after it say."""
    scale = measure.scale if "%" in measure.shown.get(metric, measure.unit) else 1
    return [scale * record.metrics[metric] for record in records if metric in record.metrics]


def spread(values: list[float], digits: int) -> str:
    """Returns values as `mean ± standard deviation`, as the one there is, or as `-`.

    Args:
        values: The values.
        digits: Decimal places.
    """
    if not values:
        return "-"
    return f"{mean(values):.{digits}f}" + (f" ± {stdev(values):.{digits}f}" if len(values) > 1 else "")


def show(records: list[Record], metric: str, measure: CountedMeasure) -> str:
    """Returns a logged value of all runs that have it, as text."""
    return spread(figures(records, metric, measure), measure.digits)


def of_last(records: list[Record], metric: str) -> bool:
    """Returns whether a logged value is validation of the last epoch, in one of the runs at least."""
    return metric.startswith("val/") and any(record.validation_of_last for record in records)
