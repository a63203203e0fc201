"""Configs made so small that a step of each takes no time: narrow networks, and a few made samples."""

import inspect
from pathlib import Path

import yaml

import datamodules
import lightning_modules
from lightning_modules.tasks.style_task import StyleTask
from lightning_modules.vgg import CONVOLUTIONS

# What makes a network narrow, by the type of a setting that stands for its width.
NARROW: dict[str, dict[type, float]] = {
    "width": {int: 8, float: 0.125},  # with 4 a ResNet-18 ends torch 2.14 on processors without AVX-512
    "generator_width": {int: 4},
    "heads": {int: 2},
    "width_multiplier": {float: 0.125},
    "growth_rate": {int: 4},
    "hidden": {int: 4},
    "embedding": {int: 4},
    "filters": {int: 4},
    "readout": {int: 4},
}
# Likewise, where a setting that is not given is the width of the paper.
OF_THE_PAPER = {"width": 8, "growth_rate": 4}


def accepted_arguments(data: type) -> set[str]:
    """Returns the arguments of a data module, with those of its bases where it passes others on to them."""
    names: set[str] = set()
    for base in data.__mro__:
        parameters = inspect.signature(base.__init__).parameters
        names |= parameters.keys()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def as_config(words: list[str], path: Path) -> Path:
    """Writes options of model and data as a config, which is parsed once and not once an option; returns the file."""
    settings: dict = {}
    for option, value in zip(words[::2], words[1::2], strict=True):
        *groups, name = option.removeprefix("--").replace(".", ".init_args.").split(".")
        place = settings
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = yaml.safe_load(value)
    path.write_text(yaml.safe_dump(settings))
    return path


def cheapest(config: dict, batch_size: int = 8) -> list[str]:
    """Returns options that make a config's data and network small, without changing what they are."""
    options = []
    class_name = config["model"]["class_path"].removeprefix("lightning_modules.")
    given = config["model"].get("init_args", {})
    lists = ("head_widths",) if "Course" in class_name else ("widths", "head_widths")
    options += [word for name in lists if given.get(name) for word in (f"--model.{name}", str([4] * len(given[name])))]
    for name, parameter in inspect.signature(getattr(lightning_modules, class_name)).parameters.items():
        value = given.get(name, parameter.default)
        if name in NARROW and isinstance(value, int | float):
            options += [f"--model.{name}", str(NARROW[name][type(value)])]
        elif name in OF_THE_PAPER and value is None:
            options += [f"--model.{name}", str(OF_THE_PAPER[name])]
    if class_name == "VGG" and given.get("depth"):  # whose widths are the paper's, too
        convolutions = CONVOLUTIONS[given["depth"]]
        options += ["--model.depth", "null", "--model.widths", str([4] * len(convolutions))]
        options += ["--model.convolutions", str([*convolutions])]
    if issubclass(getattr(lightning_modules, class_name), StyleTask):
        options += ["--model.network", "random:vgg19"]  # which needs no file, and has all layers
    elif given.get("network"):
        options += ["--model.network", "convnet"]
    data = getattr(datamodules, config["data"]["class_path"].removeprefix("datamodules."))
    accepted = accepted_arguments(data)
    if "batch_size" in accepted:
        options += ["--data.batch_size", str(batch_size)]
    if "long_side" in accepted:  # of a picture
        options += ["--data.long_side", "48"]
    if "source" in accepted:
        options += ["--data.source", "synthetic"]
    if "image_size" in accepted:
        options += ["--data.image_size", "32"]
    if config.get("weights"):  # which a package or a download would give
        options += ["--weights", "null"]
    if "steps" in accepted:
        options += ["--data.steps", "5"]
    if "val_size" in accepted and hasattr(
        data, "train_size"
    ):  # of the whole data set; the synthetic one's is smaller in proportion
        classes = len(config["data"].get("init_args", {}).get("classes", range(10)))
        options += ["--data.val_size", str(data.train_size * classes // 50)]
    return options
