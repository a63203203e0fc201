"""The metric that decides something, checked before a run has begun."""

from typing import Literal

from pytorch_lightning import LightningModule

from core.errors import InputError

Mode = Literal["min", "max"]


def check_monitor(option: str, monitor: str, pl_module: LightningModule) -> None:
    """Checks the name of a metric that decides something.

    Args:
        option: The option that names it.
        monitor: The metric.
        pl_module: A model, whose `val_metric_names` (if it has them) are what can be watched.

    Raises:
        InputError: It is no validation metric of the model.
    """
    names = getattr(pl_module, "val_metric_names", None)
    if not monitor.startswith("val/") or (names is not None and monitor not in names):
        there_are = f"there are {', '.join(names)}" if names else "name a val/ metric"
        reason = "the test set selects nothing" if monitor.startswith("test/") else "no validation metric"
        raise InputError(f"{option} {monitor}: {reason}; {there_are}")


def choose_monitor(option: str, monitor: str | None, mode: Mode | None, pl_module: LightningModule) -> tuple[str, Mode]:
    """Returns the metric that decides, the model's own unless one is given, and whether more or less of it is better.

    Args:
        option: The option that names the metric.
        monitor: What it names, if anything.
        mode: What is better, if that is said; else more of an accuracy, and less of anything else.
        pl_module: A model.

    Raises:
        InputError: The metric is no validation metric of the model.
    """
    monitor = monitor or getattr(pl_module, "monitor", "val/acc")
    check_monitor(option, monitor, pl_module)
    return monitor, mode or ("max" if "acc" in monitor else "min")
