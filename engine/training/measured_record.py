"""To which run's record a measurement is added: that of the trainer's own run, that of another one, or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning import LightningDataModule, LightningModule

from core.errors import InputError
from core.terminal.console import print_line
from core.terminal.printable import shown_path
from engine.runs.resume import why_not_recorded
from engine.runs.run_files import take_up_and_tell
from engine.runs.run_folder import RunFolder
from engine.training.python_runs import measured_config


class FittedModel(NamedTuple):
    """What a trainer has trained last: a model, on a data module or on loaders."""

    model: LightningModule
    data: LightningDataModule | None


@contextmanager
def in_its_record(trainer: Any, trained: FittedModel | None, named: Path | None) -> Iterator[None]:
    """Gives a trainer that measures the folder of the run whose record gets the figures, for this time alone.

    A run has what its own trainer measures of the model and the data that this has trained it with. Anything else is
    compared with the run whose checkpoint is measured.

    Args:
        trainer: The trainer, about to measure.
        trained: What it has trained, if anything.
        named: The run whose checkpoint it measures; None for weights as they are, and for a file in no run's folder.
    """
    own = trainer.run_folder
    trainer.run_folder = _record(trainer, trained, named)
    try:
        yield
    finally:
        trainer.run_folder = own


def _record(trainer: Any, trained: FittedModel | None, named: Path | None) -> RunFolder | None:
    own = trainer.run_folder
    if own is not None and trained is None:  # it was made for this run
        return own
    if own is not None:
        is_model, is_data = trainer.lightning_module is trained.model, trainer.datamodule is trained.data
        if is_model and is_data and named in (None, own.path.resolve()):
            return own
        if named is None and not is_model:
            if trainer.is_global_zero:
                print_line(f"note     not recorded in {shown_path(own.path)}, which is of another model")
            return None
        named = named or own.path
    if named is None or not _joins(trainer, named):
        return None
    if trainer.is_global_zero:
        take_up_and_tell(named, alone=False)
    return RunFolder(named)


def _joins(trainer: Any, run: Path) -> bool:
    """Returns whether a measurement is of a run's model on its data, and can be written; says why where it is not."""
    if trainer.fast_dev_run:
        return False
    why_not = _why_not_recorded(trainer, run)
    if why_not and trainer.is_global_zero:
        print_line(f"note     not recorded in {shown_path(run)}, which {why_not}")
    return not why_not


def _why_not_recorded(trainer: Any, run: Path) -> str:
    if trainer.datamodule is None:
        return "is of a data module, not of loaders"
    config, unknown = measured_config(trainer)
    if unknown:
        return f"may have another {', '.join(unknown)}"
    try:
        return why_not_recorded(run, config)
    except InputError as error:
        return f"has no config to compare with: {error}"
    except (ImportError, AttributeError) as error:  # of a class whose name leads nowhere
        return f"cannot be compared: {error}"
