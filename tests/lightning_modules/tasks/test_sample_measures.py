"""Measures of generated samples, against known values and other implementations."""

import math

import pytest
import torch
from torch import Tensor
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from lightning_modules.tasks import sample_measures
from lightning_modules.tasks.sample_measures import (
    class_entropy,
    frechet_distance,
    kernel_distance,
    nearest,
    neighbourhoods,
)


def normal(count: int, width: int = 6, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) * scale + shift


def test_the_frechet_distance_of_known_distributions() -> None:
    real = normal(400)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(real, real + 2) == pytest.approx(6 * 4)  # the means alone differ
    # covariances S and 9 S: the trace of S + 9 S - 2 * 3 S
    centred = real - real.mean(0)
    assert frechet_distance(centred, 3 * centred) == pytest.approx(4 * float(real.var(0).sum()))


@pytest.mark.parametrize("count", [5, 300])  # also fewer samples than features
def test_the_frechet_distance_is_that_of_torchmetrics(count: int) -> None:
    real, generated = normal(count, 8), normal(count + 3, 8, 1, 0.5, 2) @ normal(8, 8, 2)
    theirs = _compute_fid(
        *(value for one in (real.double(), generated.double()) for value in (one.mean(0), one.T.cov()))
    )
    assert frechet_distance(real, generated) == pytest.approx(float(theirs), rel=1e-5)


def test_the_frechet_distance_of_one_feature() -> None:
    real, generated = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0], [4.0]])
    deviations = math.sqrt(2), math.sqrt(3)
    assert frechet_distance(real, generated) == pytest.approx(1 + (deviations[0] - deviations[1]) ** 2)


def test_the_kernel_distance_is_that_of_torchmetrics_on_standardised_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_measures, "ROWS", 7)  # parts that do not fit evenly
    real, generated = normal(50, scale=3), normal(50, seed=1, shift=1)
    mean, deviation = real.mean(0), real.std(0)
    theirs = poly_mmd((real - mean) / deviation, (generated - mean) / deviation)
    assert kernel_distance(real, generated) == pytest.approx(float(theirs), rel=1e-4)
    # features of any size are alike
    scales = torch.tensor([1.0, 1e3, 1e-3, 1.0, 1.0, 1.0])
    assert kernel_distance(real * scales, generated * scales) == pytest.approx(kernel_distance(real, generated))


def test_a_feature_that_is_0_of_nearly_all_samples_does_not_rule_the_kernel_distance() -> None:
    rare = torch.zeros(400, 1)
    rare[0] = 1e-6
    often = torch.zeros(400, 1)
    often[:4] = 1.0
    real, generated = (torch.cat([normal(400, seed=seed), one], 1) for seed, one in ((0, rare), (1, often)))
    assert abs(kernel_distance(real, generated)) < 0.5


def test_a_feature_that_never_changes_adds_nothing_to_the_kernel_distance() -> None:
    real, generated = normal(40), normal(40, seed=1)
    dead = torch.zeros(40, 1)
    distance = kernel_distance(torch.cat([real, dead], 1), torch.cat([generated, dead], 1))
    assert math.isfinite(distance)


def test_neighbourhoods_of_a_line() -> None:
    """Worked out by hand: balls reach to the nearest neighbour."""
    real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])  # reach 1, 1, 1, 8
    generated = torch.tensor([[0.5], [2.6], [30.0]])  # reach 2.1, 2.1, 27.4
    values = neighbourhoods(real, generated, neighbours=1)
    # 0.5 lies in the balls of 0 and 1; 2.6 in those of 2 and 10; 30 in none
    assert values["precision"] == pytest.approx(2 / 3)
    assert values["density"] == pytest.approx(4 / 3)
    assert values["coverage"] == 1
    # 0.5's ball holds 0, 1 and 2, that of 30 holds 10
    assert values["recall"] == 1
    values = neighbourhoods(real, torch.tensor([[0.5], [0.6], [0.7]]), neighbours=1)
    assert values["recall"] == 0
    assert values["precision"] == 1
    assert values["coverage"] == 0.5


def test_parts_of_a_matrix_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, generated = normal(60), normal(45, seed=1, shift=0.5)
    whole = neighbourhoods(real, generated)
    monkeypatch.setattr(sample_measures, "ROWS", 7)
    assert neighbourhoods(real, generated) == pytest.approx(whole)


def test_a_collapsed_generator_is_precise_and_covers_nothing() -> None:
    real = normal(200)
    values = neighbourhoods(real, real[:1] + 1e-3 * normal(200, seed=1))
    assert values["precision"] > 0.99
    assert values["recall"] < 0.02
    assert values["coverage"] < 0.1


def test_too_few_samples_have_no_measures() -> None:
    assert math.isnan(frechet_distance(normal(1), normal(9)))
    assert math.isnan(kernel_distance(normal(9), normal(1)))
    assert all(math.isnan(value) for value in neighbourhoods(normal(3), normal(9)).values())


def test_class_entropy() -> None:
    assert class_entropy(torch.arange(40) % 4, 4) == pytest.approx(1)
    assert class_entropy(torch.zeros(9).long(), 4) == 0
    assert class_entropy(torch.arange(8) % 2, 4) == pytest.approx(0.5)


def test_the_nearest_of_several_parts() -> None:
    among = torch.tensor([[5.0], [1.0], [9.0], [2.0], [0.0]])
    places = nearest(torch.tensor([[0.1], [8.0]]), among.split(2), 3)
    assert places.tolist() == [[4, 1, 3], [2, 0, 3]]
    assert nearest(torch.tensor([[0.1]]), among.split(2), 9).shape == (1, 5)
