"""Accuracy on the first test images alone."""

from pathlib import Path

import pytest
import torch

from callbacks import TestSubset
from core.errors import InputError
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.mark.parametrize("first", [1, 16, 20, 50, 500])
def test_it_is_the_accuracy_over_the_first_images(first: int, tmp_path: Path) -> None:
    model, data = tiny_vgg(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, callbacks=[TestSubset(first)])
    trainer.test(model, data, verbose=False)
    probabilities = torch.cat(tiny_trainer(tmp_path).predict(model, data))
    right = (probabilities.argmax(1) == data.splits["test"].targets).float()
    assert trainer.callback_metrics[f"test/acc_first_{first}"] == pytest.approx(right[:first].mean().item())
    assert trainer.callback_metrics["test/acc"] == pytest.approx(right.mean().item())
    assert 0 < right.mean() < 1


def test_it_is_off_by_default(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path)
    trainer.test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert set(trainer.callback_metrics) == {"test/acc", "test/loss"}


def test_a_second_test_counts_anew(tmp_path: Path) -> None:
    model, data = tiny_vgg(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, callbacks=[TestSubset(20)])
    figures = [trainer.test(model, data, verbose=False) for _ in range(2)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("first", [0, -5])
def test_no_image_is_not_enough(first: int) -> None:
    with pytest.raises(InputError, match=f"--test_subset.first {first}: at least 1 image is needed"):
        TestSubset(first)


def test_what_is_not_classified_has_no_accuracy(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=[TestSubset(20)])
    with pytest.raises(InputError, match=r"--test_subset\.first 20: PlainModule has no accuracy"):
        trainer.test(PlainModule(), PlainData(), verbose=False)
