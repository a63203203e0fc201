"""The check that a metric to watch exists, before a run has begun."""

from pytorch_lightning import LightningModule

from engine.errors import InputError


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
