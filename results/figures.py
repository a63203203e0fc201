"""The figures of records, as they are shown."""

from statistics import mean, stdev

from results.records import Record


def figures(records: list[Record], metric: str) -> list[float]:
    """Returns a figure of all runs that have it; accuracies in percent, losses in nats."""
    scale = 100 if "acc" in metric else 1
    return [scale * record.metrics[metric] for record in records if metric in record.metrics]


def spread(values: list[float], metric: str = "acc") -> str:
    """Returns figures as `mean ± standard deviation`, as the one there is, or as `-`."""
    if not values:
        return "-"
    digits = 2 if "acc" in metric else 3
    return f"{mean(values):.{digits}f}" + (f" ± {stdev(values):.{digits}f}" if len(values) > 1 else "")
