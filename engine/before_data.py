"""What is checked of a command before its data is read, where the data alone knows the sizes of the model.

Reading it may be a download. A model in other sizes has the same names of tensors, and a data set that has read
nothing knows what it can predict.
"""

import contextlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor

from core.errors import InputError
from datamodules.words.vector_files import is_vector_file
from engine.parser import LINKED, Parser
from engine.settings.ownership import named_class
from engine.weight_forms import namings
from engine.weights import find_weights, is_published, read_weights

COUNTED = ("vocab_size", "source_vocab_size")  # sizes for which data is read
SIZES = dict.fromkeys(LINKED, 1024) | {"num_classes": 2, "in_channels": 3, "mark_sizes": ()}  # that most models take


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
    config: dict[str, Any], weights: str | Path, checkpoint: Mapping[str, Any] | None
) -> tuple[LightningModule, LightningDataModule] | None:
    """Checks that weights are there and may be of the model, where data is read before the model is built.

    Args:
        config: The settings as they are recorded.
        weights: Where the weights are; the file of the checkpoint, if one is used.
        checkpoint: Its content.

    Returns:
        Model and data as `stand_ins` builds them, for further checks; None where it does not.

    Raises:
        InputError: The weights are not there, or of another model.
    """
    found = stand_ins(config)
    if found is not None and checkpoint is not None:
        check_checkpoint(found[0], checkpoint["state_dict"], weights)
    elif found is not None:
        check_weights(found[0], weights)
    return found


def stand_ins(config: dict[str, Any]) -> tuple[LightningModule, LightningDataModule] | None:
    """Builds a config's model in other sizes and without weights, and its data, which reads nothing.

    Returns:
        Both; None where the model needs no sizes that are counted in data, and where something refuses its settings,
        which is left to those that build them for good.
    """
    parameters = inspect.signature(named_class(config["model"])).parameters
    if not any(size in parameters for size in COUNTED):
        return None
    arguments = {**(config["model"].get("init_args") or {})}
    arguments |= {name: size for name, size in SIZES.items() if name in parameters and arguments.get(name) is None}
    with contextlib.suppress(Exception), torch.device("meta"):
        model = build_apart(LightningModule, "model", config["model"] | {"init_args": arguments})
        return model, build_apart(LightningDataModule, "data", config["data"])
    return None


def check_checkpoint(model: LightningModule, given: Mapping[str, Tensor], path: Path) -> None:
    """Checks that a checkpoint may be of a model.

    Args:
        model: The model, in any sizes.
        given: The checkpoint's tensors by name.
        path: Its file.

    Raises:
        InputError: It has no name in common with the model.
    """
    own, given = _weights(model.state_dict()), _weights(given)
    if own and not own.keys() & given.keys():
        raise InputError(
            f"{path}: of another model: it has {next(iter(given), 'nothing')}, and {type(model).__name__} "
            f"{next(iter(own))}; --weights takes what fits"
        )


def check_weights(model: LightningModule, name: str) -> None:
    """Checks that weights are there, and may be of a model; those that are published are left to who loads them.

    Args:
        model: The model, in any sizes.
        name: Where they are, as `read_weights` takes it.

    Raises:
        InputError: They are not, or have no name in common with the model.
    """
    if is_published(name):
        return
    find_weights(name)
    if is_vector_file(Path(name)):
        return
    own, given = _weights(model.state_dict()), _weights(read_weights(name))
    if own and not any(own.keys() & offered.keys() for offered in namings(model, given, own)):
        has = f"it has {next(iter(given), 'nothing')}, the model {next(iter(own))}"
        raise InputError(f"--weights {name}: nothing in it fits this model ({has})")


def _weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors by name without those of running metrics, which all models of a task have."""
    return {name: value for name, value in tensors.items() if "_metrics." not in name}
