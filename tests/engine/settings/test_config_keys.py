"""The settings that a config can have."""

from pathlib import Path

import pytest

from engine.settings.config_keys import all_settings, classes_in, known_classes, read_schema, settings, values_of

VGG = {"model": "lightning_modules.VGG"}


def test_the_settings_are_those_of_the_classes_that_are_chosen() -> None:
    assert {"trainer.max_epochs", "nan_guard.enabled", "weights", "model", "data"} <= settings({}).keys()
    assert not [key for key in settings({}) if key.startswith(("model.", "data."))]
    found = settings(VGG | {"model.optimizer": "torch.optim.SGD", "data": "datamodules.CIFAR10DataModule"})
    assert {"model.dropout", "model.optimizer.momentum", "data.augmentation.flip", "data.batch_size"} <= found.keys()
    assert not {"model.optimizer.betas", "model.num_classes", "model.embedding"} & found.keys()


def test_a_class_of_another_package_has_no_settings_here() -> None:
    assert settings({"model": "package.Net"}).keys() == settings({}).keys()


def test_all_settings_are_those_of_every_class() -> None:
    found = all_settings(read_schema())
    keys = {"model.dropout", "model.temperature", "model.optimizer.betas", "model.lr_scheduler.warmup", "data.data_dir"}
    assert keys <= found.keys()


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("model.whiten", ["true", "false"]),
        ("model.pool", ["first", "last"]),
        ("wandb", ["off", "offline", "online"]),
        ("model.dropout", []),
    ],
)
def test_values_are_listed_where_that_is_possible(key: str, values: list[str]) -> None:
    assert values_of(settings(VGG)[key]) == values


def test_the_values_of_a_class_are_class_paths() -> None:
    node = settings(VGG)["model.optimizer"]
    assert "torch.optim.SGD" in values_of(node)
    assert "torch.optim.SGD" in known_classes(node, read_schema())


def test_the_classes_of_a_config_are_found_without_reading_yaml() -> None:
    text = """\
# class_path: nothing
model:
  class_path: lightning_modules.VGG # the network
  init_args:
    widths: [3]
    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 1}}
    lr_scheduler:
      class_path: schedules.Linear
data: {class_path: datamodules.XORDataModule}
trainer:
  callbacks:
    - class_path: callbacks.One
"""
    assert classes_in(text) == {
        "model": "lightning_modules.VGG",
        "model.optimizer": "torch.optim.SGD",
        "model.lr_scheduler": "schedules.Linear",
        "data": "datamodules.XORDataModule",
        "trainer.callbacks": "callbacks.One",
    }


@pytest.mark.parametrize("content", [None, "{", "[]", b"\xff"])
def test_without_a_schema_there_are_no_settings(content: str | bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read_schema(path) == {}
    assert settings(VGG, {}) == {}
