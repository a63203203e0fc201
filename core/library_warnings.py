"""Filters for warnings of libraries about what is intended here."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

IGNORED = (
    ".*is smaller than the logging interval.*",  # an epoch's own metrics are logged however short it is
    ".*Total length of `list` across ranks is zero.*",  # a run without a validation split
    ".*sync_dist=True.*",  # torchmetrics has summed over the devices
    ".*treespec, LeafSpec.*",  # Lightning's own use of torch, deprecated by torch 2.15
    ".*You have overridden `on_before_batch_transfer` in `LightningModule`.*",  # needed for loaders of other packages
    ".*your dataloader is not resumable.*",  # SeededLoader reads an epoch's earlier batches again
    ".*The `srun` command is available.*",  # a run of one process needs none
    ".*Skipping val loop.*",  # Progress says so
    ".*`max_epochs` was not set.*",  # the line of an epoch says how many there are
    ".*WeightAveraging callback, but loading a checkpoint outside.*",  # a checkpoint's weights are the averages
)
LIBRARIES = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")


@contextmanager
def ignore_library_warnings() -> Iterator[None]:
    """Ignores these warnings within the block, and Lightning's messages about devices and seeds."""
    loggers = [logging.getLogger(library) for library in LIBRARIES]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in IGNORED:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
