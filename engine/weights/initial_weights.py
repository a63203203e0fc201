"""Weights to start from: ours, torchvision's or anybody's state dict, as far as they fit."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor

from callbacks.description import describe_checkpoint
from core.errors import InputError
from core.files.home import from_home
from core.files.published_weights import fetch_weights
from core.files.tensor_files import load_tensors
from core.protocols.general import StartsFromWords
from core.run_layout import checkpoint_in, folder_of
from datamodules.base.classification import learned_classes
from datamodules.base.data_module import DataModule
from datamodules.text.text_data_module import TextDataModule
from datamodules.text.vocabulary import learned_vocabulary
from datamodules.words.vector_files import is_vector_file, read_vectors
from engine.settings.run_search import newest_run_in
from engine.weights.notes import note_on_classes, note_on_images, note_on_random, note_on_untrained
from engine.weights.weight_forms import few, fit_weights, other_shapes, set_in_part, weights_in, without_metrics
from lightning_modules.pretrained import read_pretrained


class Weights(dict[str, Tensor]):
    """Tensors by name, and what the checkpoint of a run that they are of says beside them.

    Attributes:
        checkpoint: Which one of the run's, in words; empty where a file was named.
        class_names: Names of the classes that the network was trained with; none where they are not known.
        vocabulary: Content of the vocabulary that it was trained with; None where it is not known.
    """

    checkpoint = ""
    class_names: tuple[str, ...] = ()
    vocabulary: Mapping[str, Any] | None = None


def read_weights(name: str) -> Weights:
    """Reads weights from a run folder (its best checkpoint), a checkpoint, or a plain `.pth` or `.safetensors` file.

    Args:
        name: The folder or file; `torchvision:NAME:WEIGHTS` for weights that torchvision publishes, `pretrained:NAME`
            for those that a package holds (`lightning_modules.pretrained`).

    Raises:
        InputError: There are none.
    """
    if name.startswith("torchvision:"):
        return Weights(_download(name))
    if name.startswith("pretrained:"):
        try:
            return Weights(read_pretrained(name.removeprefix("pretrained:")))
        except InputError as error:
            raise InputError(f"--weights {name}: {error}") from error
    path = find_weights(name)
    held = load_tensors(path)
    try:
        weights = Weights(weights_in(held))
    except InputError as error:
        raise InputError(f"--weights {path}: {error}") from error
    if not weights:
        raise InputError(f"--weights {path}: holds no tensors by name")
    weights.class_names, weights.vocabulary = learned_classes(held), learned_vocabulary(held)
    if path != from_home(name):
        weights.checkpoint = describe_checkpoint(path, held)
    return weights


def is_published(name: str) -> bool:
    """Returns whether a name of weights is of published ones, which no file or folder of the user's holds."""
    return name.startswith(("torchvision:", "pretrained:"))


def find_weights(name: str) -> Path:
    """Returns the file of weights that a file or a run folder stands for.

    Raises:
        InputError: There is none.
    """
    path = from_home(name)
    path = checkpoint_in(path) or path
    if not path.is_file():
        if newest := newest_run_in(path):
            raise InputError(f"--weights {name}: a folder of runs; name one of them, the newest is {newest}")
        raise InputError(f"--weights {name}: no such file or run folder")
    return path


def run_of(name: str) -> Path | None:
    """Returns the folder of the run that weights are of, or None where they are no folder and no file.

    Args:
        name: The folder or file, as `read_weights` takes it.
    """
    path = from_home(name)
    return folder_of(path) if path.exists() else None


def _download(name: str) -> dict[str, Tensor]:
    from torchvision import models  # takes a second, which other runs need not spend

    _, network, version = [*name.split(":", 2), ""][:3]
    if network not in (networks := models.list_models(module=models)):
        near = " or ".join(difflib.get_close_matches(network, networks, n=3, cutoff=0))
        raise InputError(f"--weights {name}: torchvision has no network {network!r}; did you mean {near}?")
    versions = models.get_model_weights(network).__members__
    if version not in versions:
        there_are = " or ".join(f"torchvision:{network}:{known}" for known in versions if known != "DEFAULT")
        raise InputError(f"--weights {name}: torchvision has no such weights; it has {there_are}")
    return fetch_weights(versions[version], f"--weights {name}")


def start_from(
    name: str,
    model: LightningModule,
    datamodule: LightningDataModule,
    weights: Weights | None = None,
    trains: bool = True,
    until: str | None = None,
) -> list[str]:
    """Loads into a model the weights that it starts from.

    Args:
        name: Where they are, as `read_weights` takes it.
        model: The model, changed in place.
        datamodule: Its data, which refuses a run's weights that do not fit it.
        weights: What `read_weights` returns for the name, if it has been read.
        trains: Whether the model is trained from them; if not, what does not fit is reported as missing.
        until: Value of `--features.until`.

    Returns:
        Lines that say what was loaded.

    Raises:
        InputError: There are none, or they do not fit.
    """
    if is_vector_file(Path(name)):
        return _start_from_words(name, model, datamodule, trains)
    if isinstance(datamodule, DataModule) and (run := run_of(name)):
        datamodule.check_weights(run)
    weights = read_weights(name) if weights is None else weights
    if isinstance(datamodule, TextDataModule) and weights.vocabulary is not None:  # also of a file outside of its run
        datamodule.check_symbols(weights.vocabulary, name)
    note = note_on_classes(name, weights.class_names, datamodule, trains)
    lines = load_weights(model, weights, name, trains, until)
    lines[0] += f" ({weights.checkpoint})" if weights.checkpoint else ""
    return lines + note + note_on_images(name, datamodule)


def _start_from_words(name: str, model: LightningModule, datamodule: LightningDataModule, trains: bool) -> list[str]:
    """Gives the words of a model the vectors of a file; see `start_from`."""
    layers = [layer for layer in model.modules() if isinstance(layer, StartsFromWords)]
    symbols = datamodule.symbols if isinstance(datamodule, DataModule) else None
    if not layers or symbols is None:
        raise InputError(f"--weights {name}: a file of word vectors, and this model has no words")
    found = read_vectors(find_weights(name), symbols)
    taken = [layer.take_vectors(symbols, found, f"--weights {name}") for layer in layers]
    lines = [f"weights  {number:,} of {len(symbols):,} words start from {name}" for number in taken]
    tables = {id(parameter) for layer in layers for parameter in layer.parameters()}
    untrained = [key for key, parameter in model.named_parameters() if id(parameter) not in tables]
    return lines if trains else lines + note_on_untrained(untrained)


def load_weights(
    model: LightningModule, weights: dict[str, Tensor], name: str, trains: bool = True, until: str | None = None
) -> list[str]:
    """Copies into a model what fits it by name and shape.

    Args:
        model: The model, changed in place.
        weights: Tensors by name.
        name: Where they come from, for messages.
        trains: Whether the model is trained from them.
        until: Value of `--features.until`.

    Returns:
        Lines that say what was loaded, what was skipped and why; and what of the model nothing has trained or will.

    Raises:
        InputError: Nothing fits, or so little that it is another network's.
    """
    own = without_metrics(model.state_dict())
    shapes = {key: value.shape for key, value in own.items()}
    fitting, offered = fit_weights(model, weights, shapes, name)
    parts = set_in_part(model, fitting, offered) if trains else {}
    fitting = {key: value for key, value in fitting.items() if key not in parts}
    with torch.no_grad():
        for key, value in fitting.items():
            own[key].copy_(value)
    others = [f"skipped {line}" for line in other_shapes(offered, shapes)]
    others += [f"skipped {key}: only part of {layer} fits, and data sets it" for key, layer in parts.items()]
    others += [f"skipped {key}: the model has no such tensor" for key in offered if key not in own]
    # older files lack the norms' counters of batches, which nothing here uses
    missing = [key for key in own if key not in offered and not key.endswith(".num_batches_tracked")]
    others += [f"kept new {key}: not in {name}" for key in missing]
    said = f"weights  {len(fitting)} of the model's {len(own)} tensors loaded from {name}"
    lines = [said, *(f"         {line}" for line in few(others))]
    untrained = [key for key, _ in model.named_parameters() if key not in fitting]
    notes = note_on_random(model, until, untrained, parts) if trains else note_on_untrained(untrained)
    return lines + notes
