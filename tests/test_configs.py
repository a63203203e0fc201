"""Every config can be run, and the README's notebook lines as well."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import datamodules
import lightning_modules
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import synthetic_images
from engine.settings.config_names import CONFIGS, config_names
from tests.processes import ROOT

# What makes a network narrow, by the type of a setting that stands for its width.
NARROW: dict[str, dict[type, float]] = {
    "width": {int: 4, float: 0.125},
    "heads": {int: 2},
    "width_multiplier": {float: 0.125},
    "growth_rate": {int: 4},
    "hidden": {int: 4},
    "embedding": {int: 4},
    "filters": {int: 4},
}


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the synthetic sources a few pictures, sentences and documents."""

    def few(self: ImageClassificationDataModule) -> dict[str, ClassifiedImages]:
        sizes = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        images, targets = synthetic_images(80, seed=0, **sizes)
        return {
            "train": ClassifiedImages(images[:60], targets[:60]),
            "test": ClassifiedImages(images[60:], targets[60:]),
        }

    monkeypatch.setattr("datamodules.images.classification.ImageClassificationDataModule.synthesize", few)
    monkeypatch.setattr("datamodules.char_corpus.SYNTHETIC", 2000)
    monkeypatch.setattr("datamodules.word_corpus.SYNTHETIC", 1200)
    monkeypatch.setattr("datamodules.text_classification.SYNTHETIC", {"train": 60, "test": 20})
    monkeypatch.setattr("datamodules.translation.SYNTHETIC", {"train": 60, "val": 10, "test": 10})


def accepted_arguments(data: type) -> set[str]:
    """Returns the arguments of a data module, with those of its bases where it passes others on to them."""
    names: set[str] = set()
    for base in data.__mro__:
        parameters = inspect.signature(base.__init__).parameters
        names |= parameters.keys()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def cheapest(config: dict) -> list[str]:
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
    data = getattr(datamodules, config["data"]["class_path"].removeprefix("datamodules."))
    accepted = accepted_arguments(data)
    if "source" in accepted:
        options += ["--data.source", "synthetic"]
    if "steps" in accepted:
        options += ["--data.steps", "5"]
    if "val_size" in accepted and hasattr(
        data, "train_size"
    ):  # of the whole data set; the synthetic one's is smaller in proportion
        classes = len(config["data"].get("init_args", {}).get("classes", range(10)))
        options += ["--data.val_size", str(data.train_size * classes // 50)]
    return options


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("name", config_names())
def test_a_config_trains_a_step_in_its_cheapest_form(name: str, command: Callable, tmp_path: Path) -> None:
    config = yaml.safe_load((CONFIGS / name).read_text())
    code, _, errors = command(
        *("fit", "--config", name, "--run_dir", tmp_path / "run"),
        *("--data.batch_size", 8, *cheapest(config)),
        *("--trainer.max_steps", 1, "--trainer.accelerator", "cpu", "--trainer.devices", 1),
        *("--trainer.logger", "false"),
    )
    assert code == 0, errors
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()


@pytest.mark.parametrize("name", config_names())
def test_a_config_states_both_classes_and_says_how_to_run_it(name: str) -> None:
    text = (CONFIGS / name).read_text()
    config = yaml.safe_load(text)
    assert config["model"]["class_path"].startswith("lightning_modules.")
    assert config["data"]["class_path"].startswith("datamodules.")
    assert f"python cli.py fit --config {name}" in text


@pytest.mark.parametrize("name", config_names())
def test_a_config_says_what_it_reaches(name: str) -> None:
    header = (CONFIGS / name).read_text().partition("model:")[0]
    assert re.search(r"^# (Measured|Not yet run)", header, re.MULTILINE)


@pytest.mark.parametrize("name", config_names())
def test_a_recipe_that_is_called_the_best_has_been_run(name: str) -> None:
    text = (CONFIGS / name).read_text()
    assert "best recipe" not in text or re.search(r"^# Measured", text, re.MULTILINE)


def test_the_readmes_notebook_lines_train_and_leave_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: synthetic_images(n // 20, **how)
    )
    exec(code, {})
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    assert {"metrics.csv", "summary.json", "curves.png", "checkpoints"} <= {path.name for path in run.iterdir()}
