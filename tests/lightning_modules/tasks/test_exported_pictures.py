"""Generators of pictures as other programs use them."""

import pytest
import torch

from lightning_modules import GAN
from lightning_modules.tasks.generator import Generator
from tests.exports import assert_runs_elsewhere
from tests.generated import tiny_dcgan
from tests.tiny import SizedDataModule

GENERATORS = {
    "DCGAN": lambda: tiny_dcgan(),
    "DCGAN-averaged": lambda: tiny_dcgan(average=0.9, conditional=True),
    "GAN": lambda: GAN(num_classes=3, in_channels=1, image_size=8, noise="uniform", noise_size=5),
}


def generator(name: str) -> Generator:
    """Returns a generator with the same weights every time."""
    torch.manual_seed(0)
    return GENERATORS[name]().eval().requires_grad_(False)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_runs_without_this_project(name: str) -> None:
    assert_runs_elsewhere(generator(name).export_form(SizedDataModule(3, 1, 8)))


def test_a_generator_is_written_as_onnx() -> None:
    assert_runs_elsewhere(generator(next(iter(GENERATORS))).export_form(SizedDataModule(3, 1, 8)), "onnx")


def test_a_conditional_generator_takes_classes_and_names_them() -> None:
    form = generator("DCGAN-averaged").export_form(SizedDataModule(3, 1, 8))
    assert [slot.name for slot in form.inputs] == ["noise", "classes"]
    assert form.facts["class_names"] == list(SizedDataModule(3, 1, 8).class_names)
