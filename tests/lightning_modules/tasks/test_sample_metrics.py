"""Losses of players are means over their own turns."""

import pytest
import torch

from lightning_modules.tasks import sample_metrics
from lightning_modules.tasks.sample_metrics import PlayerMetrics, SampleMetrics


def test_each_player_has_its_own_number_of_turns() -> None:
    metrics = PlayerMetrics()
    for loss, samples in ((1.0, 4), (4.0, 2)):
        metrics.update("discriminator", torch.tensor(loss), samples)
    assert metrics.so_far() == {"discriminator": 2.0}  # a loss of 0 is not what was measured
    metrics.update("generator", torch.tensor(7.0), 4)
    assert metrics.so_far() == {"discriminator": 2.0, "generator": 7.0}


def test_samples_are_put_into_order() -> None:
    """Processes and batches may have them in any order; the class that was asked for goes with its picture."""
    metrics = SampleMetrics()
    metrics.num_classes = 2
    rng = torch.Generator().manual_seed(0)
    features = {name: torch.randn(20, 3, generator=rng) for name in ("real", "generated", "floor", "ceiling")}
    classes = {name: torch.randint(0, 2, (20,), generator=rng) for name in ("asked", "real_classes", "classes")}
    everything = features | classes | {"index": torch.arange(20)}
    metrics.add(**everything)
    metrics.update("generator", torch.tensor(1.0), 1)
    figures = metrics.compute()
    other = SampleMetrics()
    other.num_classes = 2
    for part in torch.randperm(20, generator=rng).split(6):
        other.add(**{name: column[part] for name, column in everything.items()})
    other.update("generator", torch.tensor(1.0), 1)
    for name, value in other.compute().items():
        torch.testing.assert_close(value, figures[name])
    assert figures["asked"] == (classes["asked"] == classes["classes"]).float().mean()


def test_what_an_epoch_does_not_show_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, computed = SampleMetrics(), []
    metrics.num_classes, metrics.bounds = 2, {"frechet_floor": 1.0}
    monkeypatch.setattr(sample_metrics, "kernel_distance", lambda real, generated: computed.append(1) or 0.5)
    classes = torch.arange(10) % 2
    features = {name: torch.randn(10, 3, generator=torch.Generator().manual_seed(0)) for name in ("real", "generated")}
    metrics.add(**features, index=torch.arange(10), asked=classes, real_classes=classes, classes=classes)
    metrics.update("generator", torch.tensor(1.0), 1)
    for metrics.everything in (False, True):
        metrics._computed = None
        assert ("kernel" in metrics.compute()) == metrics.everything == bool(computed)
