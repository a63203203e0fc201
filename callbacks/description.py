"""What a run is described by: checkpoints, samples a step, and data, of any data module as far as it can be known."""

from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from torch.utils.data import BatchSampler, DataLoader

from callbacks.divergence.kept_state import averaging_callbacks
from core.protocols.general import HasClasses, PredictsClasses
from datamodules.base.data_module import DataModule
from datamodules.base.digest import digest_of, joined
from datamodules.base.loader import Loader
from datamodules.base.seeded_loader import SeededLoader

LOADERS = "loaders given to the trainer"
EVALUATIONS = {"val": "validation", "test": "test"}


def data_facts(trainer: Trainer) -> dict[str, Any]:
    """Returns name, source and sizes of the data, as `summary.json` has them."""
    data = trainer.datamodule
    if isinstance(data, DataModule):
        return {"name": data.name, "source": data.origin, "sizes": data.sizes}
    if data is None:
        return {"name": "loaders", "source": LOADERS, "sizes": sizes_of(trainer)}
    return {"name": type(data).__name__, "source": type(data).__module__, "sizes": sizes_of(trainer)}


def measured_data(trainer: Trainer, part: str) -> dict[str, Any]:
    """Returns what an entry of a measurement says of the data: its sizes and digest, and how it has changed.

    Args:
        trainer: The trainer that has measured.
        part: The part that was measured, `val` or `test`, which is in the digest with those of training.
    """
    data, sizes = trainer.datamodule, sizes_of(trainer)
    if not isinstance(data, DataModule):
        return {"data": {"sizes": sizes}}
    facts, measured = data.facts(), digest_of(data.splits.get(part))  # of samples in memory
    known = {"sizes": sizes, "digest": joined(facts["content"], facts.get("files"), measured)}
    return {"data": known | ({"changed": data.changed} if data.changed else {})}


def sizes_of(trainer: Trainer) -> dict[str, int]:
    """Returns the number of samples of each part; for other packages, of loaders with a length."""
    if isinstance(trainer.datamodule, DataModule):
        return trainer.datamodule.sizes
    loaders = {"train": trainer.train_dataloader, "val": trainer.val_dataloaders, "test": trainer.test_dataloaders}
    sizes = {part: [_length(loader) for loader in _leaves(tree)] for part, tree in loaders.items()}
    return {part: sum(lengths) for part, lengths in sizes.items() if lengths and None not in lengths}


def name_of_data(data: LightningDataModule) -> str:
    """Returns the data's name in words, in which made-up data is no real one."""
    if not isinstance(data, DataModule):
        return type(data).__name__
    return f"SYNTHETIC {data.stand_in} in place of {data.name}" if data.source == "synthetic" else data.name


def describe_data(data: LightningDataModule | None, sizes: Mapping[str, int] | None = None) -> str:
    """Returns the data's name, source and sizes in words.

    Args:
        data: The data module; None for loaders that were given by themselves.
        sizes: Number of samples of each part, where the data module does not know it itself.
    """
    if isinstance(data, DataModule):
        sizes = data.sizes
        evaluation = (f"{sizes[part]:,} {name}" if sizes[part] else f"no {name}" for part, name in EVALUATIONS.items())
        source = name_of_data(data)
        if data.source != "synthetic" and data.origin != source:  # a file of the user's has no other name
            source += f" from {data.origin}"
        other = data.evaluation_unit
        training = f"{sizes['train']:,} training{f' {data.unit}' if other else ''}"
        return f"{source}: {training}, {', '.join(evaluation)} {other or data.unit}"
    source = LOADERS if data is None else f"{name_of_data(data)} from {type(data).__module__}"
    names = {"train": "training", **EVALUATIONS}
    parts = [f"{n:,} {names[part]}" for part, n in (sizes or {}).items()]
    return f"{source}: {', '.join(parts)} {unit_of(data)}" if parts else source


def unit_of(data: LightningDataModule | None) -> str:
    """Returns what the samples are called."""
    return data.unit if isinstance(data, DataModule) else "samples"


def weight_averaging(trainer: Trainer) -> str:
    """Returns the callback that puts averages in place of weights in validation and checkpoints, if there is one."""
    averaging = averaging_callbacks(trainer)
    return type(averaging[0]).__name__ if averaging else ""


def samples_per_batch(trainer: Trainer) -> int | None:
    """Returns the number of samples of a training batch over all processes, or None where it cannot be known."""
    loader = _unwrapped(trainer.train_dataloader)
    if isinstance(loader, Loader):
        return loader.batch_size
    if not isinstance(loader, DataLoader):
        return None
    sampler = loader.batch_sampler
    size = sampler.batch_size if isinstance(sampler, BatchSampler) else loader.batch_size
    return None if size is None else size * trainer.world_size


def describe_checkpoint(file: Path, checkpoint: Mapping[str, Any]) -> str:
    """Returns which weights a checkpoint holds, such as `best.ckpt, of epoch 3`.

    Args:
        file: The checkpoint.
        checkpoint: Its content.
    """
    epoch = checkpoint.get("epoch")
    averaged = ", averaged" if "current_model_state" in checkpoint else ""
    return f"{file.name}{'' if epoch is None else f', of epoch {epoch}'}{averaged}"


def classifies(trainer: Trainer, pl_module: LightningModule) -> bool:
    """Returns whether a model's test step returns the probabilities of classes that the data names."""
    return isinstance(pl_module, PredictsClasses) and isinstance(trainer.datamodule, HasClasses)


def _leaves(loaders: Any) -> Iterator[Any]:
    """Yields the loaders of a list, tuple or dictionary, at any depth; none of None."""
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if isinstance(loaders, list | tuple):
        for loader in loaders:
            yield from _leaves(loader)
    elif loaders is not None:
        yield _unwrapped(loaders)


def _unwrapped(loader: Any) -> Any:
    return loader.loader if isinstance(loader, SeededLoader) else loader


def _length(loader: Any) -> int | None:
    """Returns the number of samples of a loader, or None where it has none."""
    dataset = loader.dataset if isinstance(loader, DataLoader) else None
    try:
        return len(dataset) if isinstance(dataset, Sized) else None
    except (TypeError, NotImplementedError):  # a data set that wraps one without a length
        return None
