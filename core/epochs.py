"""Where a run stands in its epoch, as Lightning's loops know it."""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning_fabric.utilities.data import sized_len
from pytorch_lightning import Trainer


def is_stopping(trainer: Trainer) -> bool:
    """Returns whether the run stops after this batch, which a minimum length can forbid."""
    return trainer.should_stop and trainer.fit_loop._can_stop_early


def is_finished(trainer: Trainer) -> bool:
    """Returns whether the run ends with this epoch."""
    return trainer.fit_loop.epoch_progress.current.processed == trainer.max_epochs or is_stopping(trainer)


def never_validates(trainer: Trainer) -> bool:
    """Returns whether no epoch of a run has a validation, as far as it is known before the first has one."""
    batches = trainer.num_val_batches  # an empty list as long as no epoch has validated
    return not trainer.enable_validation or bool(batches and not sum(batches))


def takes_all(share: int | float) -> bool:
    """Returns whether a limit of the trainer, such as `limit_train_batches`, leaves all: 1.0 does, 1 is one batch."""
    return isinstance(share, float) and share == 1


def tests_all(trainer: Trainer) -> bool:
    """Returns whether a test takes all batches, as also a limit that is no less than their number leaves them.

    Every process of a run calls it: of a few batches, a limit may leave all to one process and less to another.
    """
    loaders = trainer.test_dataloaders
    lengths = [sized_len(loader) for loader in (loaders if isinstance(loaders, list) else [loaders])]
    mine = takes_all(trainer.limit_test_batches) or trainer.num_test_batches == lengths
    return trainer.strategy.reduce_boolean_decision(mine, all=True)


def is_epoch_over(trainer: Trainer) -> bool:
    """Returns whether this batch is the last of its epoch's data."""
    return trainer.fit_loop.epoch_loop._num_ready_batches_reached()


def is_within_epoch(trainer: Trainer) -> bool:
    """Returns whether batches of this epoch are still to come."""
    return not (is_epoch_over(trainer) or is_stopping(trainer))


def goes_on_within_epoch(trainer: Trainer) -> bool:
    """Returns whether training begins with a batch that is not the first of its epoch."""
    return bool(trainer.fit_loop.epoch_loop.batch_progress.current.ready) and is_within_epoch(trainer)


def is_cut(trainer: Trainer) -> bool:
    """Returns whether this epoch ends before its last batch, because the run stops."""
    return is_stopping(trainer) and not is_epoch_over(trainer)


def is_accumulating(trainer: Trainer) -> bool:
    """Returns whether the gradients of this batch wait for those of the next."""
    return trainer.fit_loop.epoch_loop._should_accumulate()


def validation_is_due(trainer: Trainer) -> bool:
    """Returns whether a validation follows this batch also in a run that does not stop."""
    should_stop, trainer.should_stop = trainer.should_stop, False
    try:
        return trainer.fit_loop.epoch_loop._should_check_val_fx(trainer.fit_loop._data_fetcher)
    finally:
        trainer.should_stop = should_stop


@contextmanager
def unfinished_epoch(trainer: Trainer) -> Iterator[None]:
    """Lets Lightning count an epoch that was cut as begun only, so that the run can go on within it."""
    progress = trainer.fit_loop.epoch_progress
    for counts in (progress.total, progress.current):
        counts.processed -= 1
    try:
        yield
    finally:
        for counts in (progress.total, progress.current):
            counts.processed += 1
