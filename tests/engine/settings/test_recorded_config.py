"""The config that a run records."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jsonargparse import ArgumentParser, Namespace

from core.errors import InputError
from engine.settings.recorded_config import LINKED, PlainSettings, plain_settings, recorded_config

OWN, OTHERS = "datamodules.CIFAR10DataModule", "tests.foreign.other_package.data.Pictures"


def test_a_value_without_a_form_in_a_file_is_refused_once_it_is_to_be_recorded() -> None:
    """In one line, though jsonargparse divides its name into several."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--function", type=Callable)
    parser.add_argument("--width", type=int)
    plain = plain_settings(parser, Namespace(function=lambda x: x, width=3))
    assert plain.values["width"] == 3
    with pytest.raises(InputError, match=r"<lambda>.*: a setting that cannot be written into"):
        recorded_config(plain, ())


@pytest.mark.parametrize(("data", "kept"), [(OWN, {}), (OTHERS, {"num_classes": 5})])
def test_what_the_data_gives_a_model_is_recorded_beside_data_of_others(data: str, kept: dict[str, int]) -> None:
    given = {"num_classes": 5, "image_size": None, "widths": [8]}
    model = {"class_path": "lightning_modules.VGG", "init_args": given}
    rest = {"data": {"class_path": data}, "seed_everything": 1}
    plain = PlainSettings({"model": model, "run_dir": "run"} | rest)
    expected = {"model": {"class_path": "lightning_modules.VGG", "init_args": {"widths": [8]} | kept}}
    assert recorded_config(plain, LINKED) == expected | rest
    assert plain.values["model"]["init_args"] == {"num_classes": 5, "image_size": None, "widths": [8]}


def test_a_model_without_arguments_of_its_own_is_its_class_alone() -> None:
    model = {"class_path": "lightning_modules.LeNet5", "init_args": {"num_classes": 10}}
    config = recorded_config(PlainSettings({"model": model, "data": {"class_path": OWN}}), LINKED)
    assert config["model"] == {"class_path": "lightning_modules.LeNet5"}


@pytest.mark.parametrize("name", ["torchvision:vgg16_bn:IMAGENET1K_V1", "pretrained:efficientnet_lite0", None])
def test_the_weights_of_a_new_run_are_found_from_any_folder(
    name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = {"model": {"class_path": "lightning_modules.LeNet5"}, "data": {"class_path": OWN}}
    recorded = recorded_config(PlainSettings(config | {"weights": "runs/a"}), LINKED)
    assert recorded["weights"] == str(tmp_path / "runs" / "a")
    assert recorded_config(PlainSettings(config | {"weights": name}), LINKED)["weights"] == name
