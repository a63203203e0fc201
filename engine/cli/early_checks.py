"""What is checked of a command before its data is read, where the data alone knows the sizes of the model.

Reading it may be a download. A model in other sizes has the same names of tensors, and those of their dimensions that
no count changes; a data set that has read nothing knows what it can predict.
"""

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor

from core.errors import InputError
from core.terminal.printable import shown_path
from datamodules.words.vector_files import is_vector_file
from engine.cli.parser import LINKED, Parser
from engine.settings.ownership import named_class, task_class
from engine.weights.initial_weights import Weights, find_weights, is_published, read_weights
from engine.weights.weight_forms import Shapes, fit_weights, may_be, shown, without_metrics

COUNTED = ("vocab_size", "source_vocab_size")  # sizes for which data is read
SIZES = dict.fromkeys(LINKED, 1024) | {"num_classes": 2, "in_channels": 3, "mark_sizes": ()}  # that most models take
OTHERS = dict.fromkeys(LINKED, 1120) | {"num_classes": 5, "in_channels": 1, "mark_sizes": (7,)}


class Checked(NamedTuple):
    """What a check has built and read: model and data as `stand_ins` builds them, and the weights."""

    model: LightningModule
    data: LightningDataModule
    weights: Weights | None  # as `read_weights` returns them; None where there are none, or they are not read


def build_apart(kind: type, name: str, settings: dict[str, Any]) -> Any:
    """Builds one object of a config alone.

    Args:
        kind: Class that it derives from.
        name: Its name in the config, such as `data`.
        settings: What the config says of it.
    """
    parser = Parser()
    parser.add_lightning_class_args(kind, name, subclass_mode=True)
    return parser.instantiate_classes(parser.parse_object({name: settings}))[name]


def check_before_data(
    config: dict[str, Any], weights: str | Path | None, checkpoint: Mapping[str, Any] | None, begins: bool
) -> Checked | None:
    """Checks that weights and files are there and may be of the model, where data is read before the model is built.

    Args:
        config: The settings as they are recorded.
        weights: Where the weights are; the file of the checkpoint, if one is to be compared with the model.
        checkpoint: Its content.
        begins: Whether a training begins, which without weights reads the files that the model names.

    Returns:
        What there is for further checks; None where `stand_ins` builds nothing.

    Raises:
        InputError: Something is not there, or the weights are of another model.
    """
    if not weights:
        if begins:
            check_files(config)
        return None
    found = stand_ins(config)
    if found is None:
        return None
    shapes = known_shapes(found[0], build_in(config, OTHERS))
    if checkpoint is None:
        return Checked(*found, check_weights(found[0], shapes, weights))
    check_checkpoint(found[0], shapes, checkpoint["state_dict"], weights)
    return Checked(*found, None)


def stand_ins(config: dict[str, Any]) -> tuple[LightningModule, LightningDataModule] | None:
    """Builds a config's model in other sizes and without weights, and its data, which reads nothing.

    Returns:
        Both; None where the model needs no sizes that are counted in data, and where something refuses its settings,
        which is left to those that build them for good.
    """
    if not _is_counted(config):
        return None
    model = build_in(config, SIZES)
    with contextlib.suppress(Exception), torch.device("meta"):
        return None if model is None else (model, build_apart(LightningDataModule, "data", config["data"]))
    return None


def build_in(config: dict[str, Any], sizes: Mapping[str, Any]) -> LightningModule | None:
    """Builds a config's model without weights, in these sizes where it states none; None if it is refused."""
    parameters = inspect.signature(named_class(config["model"])).parameters
    arguments = {**(config["model"].get("init_args") or {})}
    arguments |= {name: size for name, size in sizes.items() if name in parameters and arguments.get(name) is None}
    with contextlib.suppress(Exception), torch.device("meta"):
        return build_apart(LightningModule, "model", config["model"] | {"init_args": arguments})
    return None


def check_files(config: dict[str, Any]) -> None:
    """Checks that the files are there which a new run's model starts from, if it is built once data has been read.

    Raises:
        InputError: One is not.
    """
    given = config["model"].get("init_args") or {}
    for name in task_class(config).paths if _is_counted(config) else ():
        if given.get(name) and not Path(given[name]).exists():
            raise InputError(f"--model.{name} {shown_path(given[name])}: no such file or run folder")


def _is_counted(config: dict[str, Any]) -> bool:
    """Returns whether the model needs sizes for which data is read."""
    parameters = inspect.signature(named_class(config["model"])).parameters
    return any(size in parameters for size in COUNTED)


def known_shapes(model: LightningModule, other: LightningModule | None) -> Shapes:
    """Returns the shapes that a model's tensors have whatever the data counts, by name.

    Args:
        model: The model in some sizes.
        other: The model in other sizes; without it no dimension is known.
    """
    theirs = {} if other is None else without_metrics(other.state_dict())
    shapes: dict[str, Sequence[int | None]] = {}
    for name, tensor in without_metrics(model.state_dict()).items():
        second = theirs[name].shape if name in theirs else ()
        alike = len(second) == tensor.ndim
        pairs = zip(tensor.shape, second if alike else (None,) * tensor.ndim, strict=True)
        shapes[name] = [one if one == another else None for one, another in pairs]
    return shapes


def check_checkpoint(model: LightningModule, shapes: Shapes, given: Mapping[str, Tensor], path: Path) -> None:
    """Checks that a checkpoint may be of a model.

    Args:
        model: The model, in any sizes.
        shapes: What is known of its tensors' shapes.
        given: The checkpoint's tensors by name.
        path: Its file.

    Raises:
        InputError: It has no name in common with the model, or a tensor of another size.
    """
    given = without_metrics(given)
    if shapes and not shapes.keys() & given.keys():
        raise InputError(
            f"{path}: of another model: it has {next(iter(given), 'nothing')}, and {type(model).__name__} "
            f"{next(iter(shapes))}; --weights takes what fits"
        )
    differing = [name for name, shape in shapes.items() if name in given and not may_be(shape, given[name])]
    if differing:
        first, more = differing[0], f" ({len(differing) - 1:,} more differ)" if len(differing) > 1 else ""
        raise InputError(
            f"{path}: of another model: {first} is {shown(given[first].shape)} there and {shown(shapes[first])} in "
            f"{type(model).__name__}{more}; --weights takes what fits"
        )


def check_weights(model: LightningModule, shapes: Shapes, name: str) -> Weights | None:
    """Checks that weights are there, and may be of a model; those that are published are left to who loads them.

    Args:
        model: The model, in any sizes.
        shapes: What is known of its tensors' shapes.
        name: Where they are, as `read_weights` takes it.

    Returns:
        The weights; None where they are not read.

    Raises:
        InputError: They are not there, or as little of them fits as `fit_weights` refuses.
    """
    if is_published(name):
        return None
    find_weights(name)
    if is_vector_file(Path(name)):
        return None
    weights = read_weights(name)
    fit_weights(model, weights, shapes, name)
    return weights
