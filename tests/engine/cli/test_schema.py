"""The schema of configs: it takes all configs, and refuses what the command would refuse."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.files.plain_yaml import load_plain
from engine.cli.merged_settings import merged_settings
from engine.cli.schema import ConfigSchema, made_with, make_schema, written
from engine.settings.config_names import CONFIGS, SCHEMA, config_names
from engine.settings.recorded_config import LINKED

jsonschema = pytest.importorskip("jsonschema", reason="pip install -e '.[test]' installs jsonschema")
CONTENT = json.loads(SCHEMA.read_text(encoding="utf-8"))
VALID = jsonschema.Draft202012Validator(CONTENT)
OWN = ("callbacks.", "datamodules.", "lightning_modules.")  # how class paths of this project begin


def arguments(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the arguments of the classes in a schema, by class path."""
    forms = [form for definition in schema["$defs"].values() for form in definition.get("anyOf", [])]
    described = [form["properties"] for form in forms if "const" in form.get("properties", {}).get("class_path", {})]
    return {one["class_path"]["const"]: one["init_args"].get("properties", {}) for one in described}


def own_names(schema: dict[str, Any]) -> dict[str, set[str]]:
    """Returns the names of the arguments of this project's classes in a schema, by class path."""
    return {path: {*known} for path, known in arguments(schema).items() if path.startswith(OWN)}


def test_the_schema_is_that_of_the_code() -> None:
    """With other releases, whose options and explanations are in it as well, this project's classes are compared."""
    anew = "python -m studies.write_schemas writes it anew"
    made = make_schema()
    assert own_names(made) == own_names(CONTENT), anew
    assert "lightning_modules.VGG" in own_names(made)
    if CONTENT["$comment"] == made_with():
        assert written(made) == SCHEMA.read_text(encoding="utf-8"), anew


def test_the_schema_does_not_depend_on_what_was_parsed_before() -> None:
    before = written(make_schema())
    merged_settings(
        ["fit", "--config", "vgg_bn.yaml", "--data.augmentation", "null", "--data.augmentation.flip", "none"]
    )
    assert written(make_schema()) == before


@pytest.mark.parametrize("name", config_names())
def test_a_config_is_valid(name: str) -> None:
    mistakes = VALID.iter_errors(load_plain((CONFIGS / name).read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message:.200}" for error in mistakes] == []


MISTAKES = [
    ("vgg_bn", "trainer:", "trainr:"),
    ("vgg_bn", "max_epochs: 18", "max_epoch: 15"),
    ("vgg_bn", "max_epochs: 18", "max_epochs: fifteen"),
    ("vgg_bn", "max_epochs: 18", "max_epochs: [15]"),
    ("vgg_bn", "lightning_modules.VGG", "lightning_modules.VGGG"),
    ("vgg_bn", "lightning_modules.VGG", "VGG"),
    ("vgg_bn", "class_path: lightning_modules.VGG", "class: lightning_modules.VGG"),
    ("vgg_bn", "init_args:\n    whiten", "args:\n    whiten"),
    ("vgg_bn", "whiten: true", "whiten: maybe"),
    ("vgg_bn", "widths: [64, 256, 256]", "widths: 64"),
    ("vgg_bn", "widths: [64, 256, 256]", "widths: [64, many]"),
    ("vgg_bn", "pool: first", "pool: frist"),
    ("vgg_bn", "label_smoothing", "label_smooting"),
    ("vgg_bn", "whiten: true", "num_classes: 10"),
    ("alexnet", "torch.optim.SGD", "torch.optim.SDG"),
    ("alexnet", "nesterov: true", "nestrov: true"),
    ("alexnet", "lr: 0.2", "lr: fast"),
    ("vgg_bn", "schedules.WarmupLinear", "schedules.WarmUpLinear"),
    ("alexnet", "warmup: 0.2", "warm_up: 0.2"),
    ("vgg_bn", "datamodules.CIFAR10DataModule", "datamodules.CIFAR10"),
    ("alexnet", "batch_size: 500", "batchsize: 125"),
    ("vgg_bn", "flip: alternating", "flip: sideways"),
    ("alexnet", "crop_padding: 2", "crop_paddings: 2"),
    ("alexnet", "callbacks.EMAWeightAveraging", "callbacks.EMAWeightAverageing"),
    ("alexnet", "decay: 0.9", "dekay: 0.9"),
    ("bag_of_ngrams", "ngrams:", "ngram:"),
    ("published/xor_mlp", "checkpoint:", "checkpoints:"),
    ("published/xor_mlp", "mode: min", "mode: minimum"),
    ("alexnet", "callbacks:", "callback+:"),
    ("alexnet", "max_epochs:", "max_epochs+:"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), MISTAKES)
def test_a_typing_error_is_refused(name: str, right: str, wrong: str) -> None:
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
    settings = text[text.index("\nmodel:") :]
    assert right in settings
    assert not VALID.is_valid(load_plain(settings.replace(right, wrong, 1)))


OTHERS = [
    "data: {class_path: datamodules.ImageFolderDataModule, init_args: {data_dir: pictures, batch_size: 30}}",
    "model: {class_path: my_package.nets.MyNet, init_args: {width: 3}}",
    "model: my_package.MyNet",
    "model: {class_path: lightning_modules.VGG, init_args: {optimizer: torch.optim.Adam}}",
    "trainer: {callbacks: [callbacks.ProgressiveValidation], logger: false, strategy: ddp, max_time: '00:01:00:00'}",
    "trainer: {callbacks: {class_path: my_package.MyCallback, init_args: {every: 3}}}",
    "seed_everything: 7",
    "trainer: {callbacks+: [{class_path: callbacks.ProgressiveValidation}]}",
    "wandb_tags+: [small]",
    "model: {init_args: {dropout: 0.1}}",
    "model: {init_args: {optimizer: {init_args: {lr: 0.1}}}}",
    "data: {class_path: datamodules.CIFAR10DataModule, init_args: {augmentation: null}}",
    "model: {class_path: lightning_modules.VGG, init_args: {widths+: [8]}}",
]


@pytest.mark.parametrize("text", OTHERS)
def test_what_people_write_themselves_is_taken(text: str) -> None:
    assert [error.message for error in VALID.iter_errors(load_plain(text))] == []


def test_what_the_data_gives_a_model_is_no_argument_and_neither_are_an_optimizers_parameters() -> None:
    known = arguments(CONTENT)
    assert not {*LINKED} & known["lightning_modules.VGG"].keys()
    assert next(iter(known["torch.optim.SGD"])) == "lr"
    assert "optimizer" not in known["lightning_modules.schedules.WarmupLinear"]


def test_every_argument_has_its_help() -> None:
    def unexplained(node: Any, place: str = "") -> Iterator[str]:
        for name, below in node.get("properties", {}).items() if isinstance(node, dict) else ():
            if name not in ("class_path", "init_args") and not below.get("description"):
                yield f"{place}.{name}"
        for name, below in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(below, dict | list):
                yield from unexplained(below, f"{place}.{name}")

    assert [*unexplained(CONTENT)] == []


def test_a_callable_that_makes_no_known_class_is_named_by_its_path() -> None:
    assert ConfigSchema().callable_schema(type("T", (), {"__args__": ()}), None) == {"type": "string"}
