"""Checks of sizes that a user gives, with those that fit a small data set."""

from core.errors import InputError


def check_least(least: int, **arguments: int) -> None:
    """Checks that arguments of a data module are at least a minimum.

    Raises:
        InputError: One is less; the message names it.
    """
    for name, value in arguments.items():
        if value < least:
            raise InputError(f"data.{name} is {value}: at least {least} is needed")


def check_batch_size(batch_size: int, n: int, unit: str) -> None:
    """Checks that a batch is not larger than the training split.

    Args:
        batch_size: Samples of a batch.
        n: Training samples.
        unit: Name of the samples.

    Raises:
        InputError: It is; the message has the option of a size that fits.
    """
    if batch_size > n:
        raise InputError(
            f"data.batch_size is {batch_size}: larger than the {n:,} training {unit}; give{_fitting(batch_size, n)}"
        )


def check_val_size(val_size: int, n: int, least: int, batch_size: int, unit: str) -> None:
    """Checks that enough training samples are left beside a validation split.

    Args:
        val_size: Size of the validation split.
        n: Training samples before the split.
        least: Training samples that are needed after it.
        batch_size: Samples of a batch, which has to fit, too.
        unit: Name of the samples.

    Raises:
        InputError: They are not; the message has the options of sizes that fit.
    """
    if val_size > n - least:
        raise InputError(
            f"data.val_size is {val_size}: too large for {n:,} training {unit}; give --data.val_size {n // 10}"
            f"{_fitting(batch_size, n - n // 10)}"
        )


def _fitting(batch_size: int, n: int) -> str:
    """Returns the option of a batch size that fits n training samples, if the given one does not."""
    if batch_size <= n:
        return ""
    return f" --data.batch_size {max(1, n // 10)} (and check the learning rates, which may be too high for it)"
