"""Which settings of Lightning's Trainer a run can have; whatever cannot act as Lightning documents it is refused."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning import Callback
from pytorch_lightning import callbacks as lightning_callbacks
from pytorch_lightning.callbacks import Timer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from core.errors import InputError
from core.measures import check_monitor
from core.processes.hardware import device_type
from core.protocols.general import LacksFormats
from engine.settings.run_identity import SHARES
from engine.settings.strategies import check_strategy

# Least value of each option that counts something, and what -1 means where it is allowed.
LEAST: dict[str, tuple[float, str]] = {
    "accumulate_grad_batches": (1, ""),
    "check_val_every_n_epoch": (1, ""),
    "fast_dev_run": (0, ""),
    "gradient_clip_val": (0, ""),
    "log_every_n_steps": (0, ""),
    "max_epochs": (1, "for no end"),
    "max_steps": (1, "for no end"),
    "min_epochs": (0, ""),
    "min_steps": (0, ""),
    "num_nodes": (1, ""),
    "num_sanity_val_steps": (0, "for all batches"),
    "reload_dataloaders_every_n_epochs": (0, ""),
}

# Options of which only one value has a meaning here.
REFUSED = {
    "barebones": (False, "every run has a record, a guard and checkpoints; engine/speed makes its steps cheap"),
    "model_registry": (None, "checkpoints are kept in the run's folder; weights are taken from elsewhere by --weights"),
}

# Number formats by the kinds of devices that do not have them.
LACKING = {
    **dict.fromkeys(("16-mixed", "16"), ("cpu",)),  # where Lightning takes bfloat16 instead
    **dict.fromkeys(("64-true", "64"), ("mps",)),
}

# Lightning's own callbacks that cannot act in a run here, with what does instead.
REFUSED_CALLBACKS: dict[type[Callback], str] = {
    lightning_callbacks.BatchSizeFinder: "it trains on trial and changes the data set within a run; set "
    "--data.batch_size",
    lightning_callbacks.LearningRateFinder: "it trains on trial and changes the model within a run; set "
    "--model.optimizer.lr",
    lightning_callbacks.ModelPruning: "a pruned network cannot be continued or tested from its checkpoints",
    lightning_callbacks.OnExceptionCheckpoint: "a run cannot continue exactly from where an error struck; "
    "--checkpoint.every_n_train_steps saves more often",
    lightning_callbacks.ProgressBar: "a run has its own bar; --trainer.enable_progress_bar false hides it",
    lightning_callbacks.StochasticWeightAveraging: "its averages would reach no checkpoint; "
    "pytorch_lightning.callbacks.WeightAveraging and EMAWeightAveraging average, and are saved",
}


def check_options(options: Mapping[str, Any]) -> None:
    """Checks the arguments of a Trainer as far as they can be checked one by one.

    Args:
        options: Values by name; None, or a name that is left out, is Lightning's default.

    Raises:
        InputError: One has a value that is nonsense or would not act.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, (meaning_nothing, reason) in REFUSED.items():
        if given.get(name, meaning_nothing) != meaning_nothing:
            raise InputError(f"--trainer.{name} {given[name]}: {reason}")
    for name, (least, unlimited) in LEAST.items():
        value = given.get(name, least)
        if not value >= least and not (unlimited and value == -1):  # nan is not, either
            further = f", or -1 {unlimited}" if unlimited else ""
            raise InputError(f"--trainer.{name} {value}: at least {least} is needed{further}")
    for name, at_least_one in SHARES.items():
        if name in given:
            _check_share(name, given[name], at_least_one)
    for kind in ("epochs", "steps"):
        least, most = given.get(f"min_{kind}"), given.get(f"max_{kind}", -1)
        if least is not None and most != -1 and least > most:
            raise InputError(f"--trainer.min_{kind} {least}: more than --trainer.max_{kind} {most}")
    if "max_time" in given:
        _check_duration(given["max_time"])
    if "gradient_clip_algorithm" in given and "gradient_clip_val" not in given:
        raise InputError(
            f"--trainer.gradient_clip_algorithm {given['gradient_clip_algorithm']}: nothing is clipped without "
            "--trainer.gradient_clip_val"
        )
    for name in ("limit_train_batches", "limit_val_batches"):
        if given.get("overfit_batches") and name in given:
            raise InputError(f"--trainer.{name} {given[name]}: --trainer.overfit_batches decides how many batches")
    check_strategy(given.get("strategy", "auto"))
    accelerator = given.get("accelerator", "auto")
    if isinstance(accelerator, str):
        check_precision(given.get("precision"), device_type(accelerator))


def _check_share(name: str, value: Any, at_least_one: bool) -> None:
    if isinstance(value, str | dict | timedelta):
        raise InputError(
            f"--trainer.{name} {value}: validations at points in time would differ from run to run; give a number "
            "of batches, or a share of the epoch"
        )
    share = isinstance(value, float) and 0 <= value <= 1
    if not (share or (value >= 0 and value % 1 == 0)) or (at_least_one and not value):
        range_ = "above 0, up to 1.0" if at_least_one else "from 0.0 to 1.0"
        raise InputError(f"--trainer.{name} {value}: a whole number of batches, or a share of them {range_}, is needed")


def _check_duration(duration: Any) -> None:
    try:
        seconds = Timer(duration)._duration
    except (MisconfigurationException, TypeError, ValueError, OverflowError):
        seconds = None
    if seconds is None or seconds <= 0:
        raise InputError(f"--trainer.max_time {duration}: a duration above 0 is needed, as DD:HH:MM:SS")


def check_precision(precision: str | int | None, device: str) -> None:
    """Checks that a device computes in a number format; Lightning would exchange some for others.

    Raises:
        InputError: It does not.
    """
    choices = ", ".join(["auto", *(["bf16-mixed"] if device == "cpu" else []), "32-true"])
    if device in LACKING.get(str(precision), ()):
        raise InputError(f"--trainer.precision {precision}: not on {device}, which computes in {choices} and others")


def check_number_format(precision: str, model: pl.LightningModule) -> None:
    """Checks that a model can be computed in a number format.

    Raises:
        InputError: It states that it cannot.
    """
    if isinstance(model, LacksFormats) and precision in model.lacking_formats:
        reason = f"{type(model).__name__} has parts whose weights have 32 bits"
        raise InputError(f"--trainer.precision {precision}: {reason}; give bf16-mixed or 32-true")


def check_callbacks(callbacks: list[Callback]) -> None:
    """Checks that callbacks can act in a run.

    Raises:
        InputError: One cannot; names what can be done instead.
    """
    for callback in callbacks:
        for kind, reason in REFUSED_CALLBACKS.items():
            if isinstance(callback, kind):
                raise InputError(f"--trainer.callbacks {type(callback).__name__}: {reason}")


def check_monitors(callbacks: list[Callback], model: pl.LightningModule) -> None:
    """Checks that Lightning's own callbacks monitor what a model logs; they would look for it after an epoch only.

    Raises:
        InputError: One does not.
    """
    for callback in callbacks:
        kind = type(callback)
        if kind in (lightning_callbacks.EarlyStopping, lightning_callbacks.ModelCheckpoint) and callback.monitor:
            check_monitor(f"--trainer.callbacks {kind.__name__}: monitor", callback.monitor, model)
