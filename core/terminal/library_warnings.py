"""Filters for warnings of libraries about what is intended here."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from core.terminal.console import print_line

IGNORED = (
    ".*is smaller than the logging interval.*",  # an epoch's own metrics are logged however short it is
    ".*Total length of `list` across ranks is zero.*",  # a run without a validation split
    ".*sync_dist=True.*",  # torchmetrics has summed over the devices; Progress says of which module it has not
    ".*treespec, LeafSpec.*",  # Lightning's own use of torch, deprecated by torch 2.15
    ".*You have overridden `on_before_batch_transfer` in `LightningModule`.*",  # needed for loaders of other packages
    ".*your dataloader is not resumable.*",  # SeededLoader reads an epoch's earlier batches again
    ".*GPU available but not used.*",  # as was asked for
    ".*Sparse invariant checks are implicitly disabled.*",  # as they are unless asked for
    ".*The `srun` command is available.*",  # a run of one process needs none
    ".*Skipping val loop.*",  # Progress says so
    ".*`max_epochs` was not set.*",  # the line of an epoch says how many there are
    ".*You requested to overfit but enabled.*",  # a loader of ours repeats its first epoch then
    ".*is not supported by the model summary.*",  # whose megabytes are those of 32 bits, as weights are kept
    r"\s*Unable to serialize instance.*",  # recorded_config refuses what could not be read again
    ".*(Truncated File Read|Tag data larger than file|Corrupt EXIF data).*",  # the pixels are read all the same
    ".*distributed.nn.functional.all_gather is deprecated.*",  # Lightning's own use of torch
    ".*AccumulateGrad node's stream does not match.*",  # as Lightning's DDP begins, on a GPU
    r""".*Please add the following callbacks: \["EarlyStopping\{[^{}]*\}"\]\.""",  # it watches another value now
    ".*WeightAveraging callback, but loading a checkpoint outside.*",  # a checkpoint's weights are the averages
)
# Modules of Lightning whose messages are what an option or a callback has been asked for.
SPEAKING = (
    "pytorch_lightning.callbacks.early_stopping",  # with verbose=True
    "pytorch_lightning.callbacks.finetuning",  # with verbose=True
    "pytorch_lightning.callbacks.model_summary",
    "pytorch_lightning.profilers.profiler",
)
# A measurement needs nothing of what callbacks keep; a run that goes on does.
IGNORED_IN_MEASUREMENTS = (".*callbacks used to create the checkpoint need to be provided.*",)
LIBRARIES = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")


class _Printed(logging.Handler):
    """Prints messages as the run's own lines are printed."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a message."""
        print_line(record.getMessage().strip("\n"))


@contextmanager
def ignore_library_warnings(measuring: bool = False) -> Iterator[None]:
    """Ignores these warnings within the block, and Lightning's messages but those that somebody has asked for.

    Args:
        measuring: Whether the block validates, tests or predicts.
    """
    loggers = [logging.getLogger(library) for library in LIBRARIES]
    speaking = [logging.getLogger(module) for module in SPEAKING]
    before = [(logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers + speaking]
    _set_levels(dict.fromkeys(loggers, logging.WARNING) | dict.fromkeys(speaking, logging.INFO))
    for logger in speaking:
        logger.propagate, logger.handlers = False, [_Printed()]
    try:
        with warnings.catch_warnings():
            for message in IGNORED + (IGNORED_IN_MEASUREMENTS if measuring else ()):
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        _set_levels({logger: level for logger, level, *_ in before})
        for logger, _, propagates, handlers in before:
            logger.propagate, logger.handlers = propagates, handlers


def _set_levels(levels: dict[logging.Logger, int]) -> None:
    """Sets levels by one call that goes through all loggers of the process, of which torch has many."""
    changed = [(logger, level) for logger, level in levels.items() if logger.level != level]
    for logger, level in changed[:-1]:
        logger.level = level
    for logger, level in changed[-1:]:
        logger.setLevel(level)  # from here on, every logger asks anew which level counts
