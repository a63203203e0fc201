"""Runs are broken off and resumed, and the ends are compared to the last bit."""

import math

import pytest
import torch

from benchmarks.gpu_parts import resume
from datamodules.images.synthetic import synthetic_images

WHOLE = {"state": {"a": torch.tensor([1.0, 2.0])}, "rates": [0.1, 0.2], "step": 7}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"state": {"a": torch.tensor([1.0, 2.0])}, "rates": [0.1, 0.2], "step": 7}, 0.0),
        ({"state": {"a": torch.tensor([1.0, 2.5])}, "rates": [0.1, 0.2], "step": 7}, 0.5),
        ({"state": {"a": torch.tensor([1.0, 2.0])}, "rates": [0.1, 0.45], "step": 7}, 0.25),
        ({"state": {"a": torch.tensor([1.0])}, "rates": [0.1, 0.2], "step": 7}, math.inf),
        ({"state": {"b": torch.tensor([1.0, 2.0])}, "rates": [0.1, 0.2], "step": 7}, math.inf),
        ({"state": {"a": torch.tensor([1.0, 2.0])}, "rates": [0.1], "step": 7}, math.inf),
        ({"state": {"a": torch.tensor([1.0, 2.0])}, "rates": [0.1, 0.2], "step": 8}, math.inf),
    ],
)
def test_a_difference_is_found_wherever_it_is(other: dict, expected: float) -> None:
    assert resume.difference(WHOLE, other) == pytest.approx(expected)


def test_a_run_is_broken_off_and_ends_as_it_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: synthetic_images(n // 20, **how)
    )
    broken: list[int] = []
    end = resume.Break.on_train_batch_end

    def note(self: resume.Break, trainer: object, *rest: object) -> None:
        broken.append(trainer.global_step)
        end(self, trainer, *rest)

    monkeypatch.setattr(resume.Break, "on_train_batch_end", note)
    config, _, tiny = resume.CASES["vgg_bn"]
    flags = ["--trainer.accelerator", "cpu", "--trainer.devices", "1", "--trainer.precision", "32-true", *tiny.split()]
    found = resume.resumed_and_whole(config, flags, deterministic=True)
    assert found == {"same_bits": True, "largest_difference": 0.0, "largest_difference_of_weights": 0.0}
    assert broken[-1] == resume.BREAK < resume.BATCHES * resume.EPOCHS
    assert not torch.are_deterministic_algorithms_enabled()
