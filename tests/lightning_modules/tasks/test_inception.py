"""The FID is torchmetrics' own, and what it lacks is said in one line."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules.tasks import inception
from lightning_modules.tasks.inception import InceptionDistance, distance_signature
from lightning_modules.tasks.sample_measures import frechet_distance
from tests.generated import Means


def test_it_is_the_frechet_distance_of_the_networks_features() -> None:
    rng = torch.Generator().manual_seed(0)
    real, generated = (torch.randint(0, high, (30, 8, 8, 1), generator=rng, dtype=torch.uint8) for high in (256, 100))
    distance = InceptionDistance(Means())
    for part in real.split(11):
        distance.update(part, real=True)
    distance.update(generated, real=False)
    features = [pictures[..., 0].float().mean(2) for pictures in (real, generated)]
    assert distance.compute().item() == pytest.approx(frechet_distance(*features), rel=1e-3)


def test_its_features_are_whole_in_training_of_less_precision() -> None:
    layer = nn.Linear(8, 8)
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (40, 8, 8, 1), generator=rng, dtype=torch.uint8)
    found = []
    for enabled in (False, True):
        distance = InceptionDistance(nn.Sequential(Means(), layer))
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            distance.update(pictures[:20], real=True)
            distance.update(pictures[20:], real=False)
        found.append(distance.compute())
    assert torch.equal(*found)


def test_pictures_of_a_device_without_float64_are_measured_on_the_cpu() -> None:
    pictures = torch.randint(0, 256, (20, 8, 8, 1), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    distance = InceptionDistance(Means())
    for real in (True, False):
        distance.update(SimpleNamespace(device=torch.device("mps"), cpu=lambda: pictures), real)
    assert distance.compute().item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("error", "message"), [(ModuleNotFoundError, "pip install torch-fidelity"), (OSError, "cannot be had")]
)
def test_a_network_that_is_not_there_is_said(
    error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(features: object) -> None:
        raise error("not there")

    monkeypatch.setattr(inception, "FrechetInceptionDistance", fail)
    with pytest.raises(InputError, match=f"model.fid: .*{message}"):
        InceptionDistance()


def test_few_pictures_are_said() -> None:
    assert distance_signature(10_000) == "10,000 samples and the first 10,000 pictures of the test split"
    assert distance_signature(2048).endswith(", too few for 2,048 features")
