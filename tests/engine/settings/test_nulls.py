"""Null is nothing where an argument can be nothing, a group's defaults, or a mistake."""

from pathlib import Path

import pytest

from core.errors import InputError
from engine.cli.merged_settings import merged_settings

FIT = ["fit", "--config", "dcgan_mnist.yaml", "--data.source", "synthetic"]
MAPPING = "expected a mapping such as '{name: value}', with a blank after each colon"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("model.width", "expected int"),
        ("model.average", "expected float"),  # of a class above
        ("model.conditional", "expected bool"),
        ("model.norm", "expected one of 'batch', 'spectral', 'none'"),
        ("model.optimizer", "expected a class"),
        ("data.data_dir", "expected str"),
        ("data.batch_size", "expected int"),
    ],
)
def test_what_cannot_be_nothing_is_refused(key: str, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        merged_settings([*FIT, f"--{key}", "null"])
    assert str(refused.value) == f"--{key} null: {reason}"


POSTPONED = """\
from __future__ import annotations
from typing import TYPE_CHECKING, Optional
from lightning_modules import VGG
if TYPE_CHECKING:
    from nowhere import Thing
class Net(VGG):
    def __init__(self, thick: Optional[int] = 3, thin: int | None = 2, deep: int = 4, odd: Thing = 5, **more):
        super().__init__(**more)
"""


def test_a_type_is_named_without_its_module() -> None:
    with pytest.raises(InputError, match=r"^--model.widths null: expected Sequence\[int\]$"):
        merged_settings(["fit", "--config", "text_cnn.yaml", "--model.widths", "null"])


def test_types_are_known_where_annotations_are_put_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postponed.py").write_text(POSTPONED)
    monkeypatch.syspath_prepend(tmp_path)
    given = ["fit", "--model", "postponed.Net", "--data", "datamodules.CIFAR10DataModule"]
    config = merged_settings([*given, *(f"--model.{name}=null" for name in ("thick", "thin", "odd"))])
    assert [config["model"]["init_args"][name] for name in ("thick", "thin", "deep", "odd")] == [None, None, 4, None]
    with pytest.raises(InputError, match=r"^--model.deep null: expected int$"):
        merged_settings([*given, "--model.deep", "null"])


@pytest.mark.parametrize("key", ["model.init_args", "data.init_args"])
def test_settings_of_a_class_are_a_mapping(key: str) -> None:
    with pytest.raises(InputError) as refused:
        merged_settings([*FIT, f"--{key}", "null"])
    assert str(refused.value) == f"--{key} None: {MAPPING}"


def test_every_null_of_a_config_is_named_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(
        "model:\n  class_path: lightning_modules.DCGAN\n  init_args:\n    width: null\n    loss: ~\n"
        "data:\n  class_path: datamodules.MNISTDataModule\n  init_args:\n    batch_size: null\n"
        "nan_guard: {enabled: null, every_n_steps: null}\n"
    )
    with pytest.raises(InputError) as refused:
        merged_settings(["fit", "--config", str(config)])
    assert [line.partition("mine.yaml, ")[2] for line in str(refused.value).splitlines()] == [
        "line 4: model.width null: expected int",
        "line 5: model.loss ~: expected one of 'original', 'non_saturating', 'least_squares', 'hinge', 'wasserstein'",
        "line 9: data.batch_size null: expected int",
        "line 10: nan_guard.enabled null: expected bool",
    ]


def test_a_group_of_settings_gets_its_defaults() -> None:
    config = merged_settings(["fit", "--config", "vgg_bn.yaml", "--data.augmentation", "null"])
    assert config["data"]["init_args"]["augmentation"]["flip"] == "none"
    one = [*("--data.augmentation", "null"), *("--data.augmentation.flip", "random")]
    config = merged_settings(["fit", "--config", "vgg_bn.yaml", *one])
    augmentation = config["data"]["init_args"]["augmentation"]
    assert (augmentation["flip"], augmentation["crop_padding"]) == ("random", 0)


def test_what_can_be_nothing_is() -> None:
    nothing = [*("--model.lr_scheduler", "null"), *("--model.stages", "null"), *("--trainer.max_time", "null")]
    config = merged_settings([*FIT, *nothing])
    assert config["model"]["init_args"]["lr_scheduler"] is None
    assert config["model"]["init_args"]["stages"] is None
