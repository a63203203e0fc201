"""Running metrics are exact, and those of training survive a checkpoint."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lightning_modules.tasks.metrics import ClassificationMetrics

Samples = tuple[Tensor, Tensor]


@pytest.fixture
def samples() -> Samples:
    """Logits and targets of 23 samples of 4 classes."""
    rng = torch.Generator().manual_seed(0)
    return torch.randn(23, 4, generator=rng), torch.randint(4, (23,), generator=rng)


def feed(metrics: ClassificationMetrics, samples: Samples, *sizes: int) -> ClassificationMetrics:
    """Feeds batches of the given sizes."""
    for logits, targets in zip(samples[0].split(sizes), samples[1].split(sizes), strict=True):
        metrics.update(logits, targets, cross_entropy(logits, targets))
    return metrics


@pytest.mark.parametrize("sizes", [(23,), (10, 10, 3), (1, 21, 1)])
def test_uneven_batches_give_the_mean_over_samples(samples: Samples, sizes: tuple[int, ...]) -> None:
    computed = feed(ClassificationMetrics(), samples, *sizes).compute()
    torch.testing.assert_close(computed["loss"], cross_entropy(*samples))
    torch.testing.assert_close(computed["acc"], (samples[0].argmax(1) == samples[1]).float().mean())


def test_so_far_agrees_with_compute(samples: Samples) -> None:
    metrics = feed(ClassificationMetrics(), samples, 20, 3)
    assert metrics.so_far() == pytest.approx({name: float(value) for name, value in metrics.compute().items()})
    assert ClassificationMetrics().so_far() == {"loss": 0, "acc": 0}


def test_reset_forgets(samples: Samples) -> None:
    metrics = feed(ClassificationMetrics(), samples, 23)
    before = metrics.compute()
    metrics.reset()
    assert int(metrics.count) == 0
    assert feed(metrics, samples, 23).compute() == before


def test_no_graph_is_kept(samples: Samples) -> None:
    logits = samples[0].requires_grad_()
    metrics = ClassificationMetrics()
    metrics.update(logits, samples[1], cross_entropy(logits, samples[1]))
    assert not metrics.loss.requires_grad


def test_persistent_sums_go_on_from_a_state_dict(samples: Samples) -> None:
    first = ClassificationMetrics(persistent=True)
    first.update(samples[0][:10], samples[1][:10], cross_entropy(samples[0][:10], samples[1][:10]))
    second = ClassificationMetrics(persistent=True)
    second.load_state_dict(first.state_dict())
    second.update(samples[0][10:], samples[1][10:], cross_entropy(samples[0][10:], samples[1][10:]))
    torch.testing.assert_close(second.compute()["loss"], cross_entropy(*samples))
    assert int(second.count) == 23


def test_other_sums_stay_out_of_the_state_dict(samples: Samples) -> None:
    assert feed(ClassificationMetrics(), samples, 23).state_dict() == {}
    assert set(ClassificationMetrics(persistent=True).state_dict()) == {"loss", "correct", "count"}


class WithTheirOwn(ClassificationMetrics):
    """Adds a sum and a list without a word on checkpoints."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.add_state("length", torch.tensor(0.0))
        self.add_state("rows", [], dist_reduce_fx="cat")


@pytest.mark.parametrize("persistent", [False, True])
def test_a_sum_is_saved_where_the_others_are(persistent: bool) -> None:
    saved = set(WithTheirOwn(persistent).state_dict())
    assert saved == ({"loss", "count", "correct", "length"} if persistent else set())


def test_what_is_no_sum_is_not_saved() -> None:
    """A checkpoint has the sums over all processes, of which the first goes on with them."""
    metrics = ClassificationMetrics(persistent=True)
    for default, reduction in ((torch.tensor(0.0), "max"), ([], "cat")):
        with pytest.raises(ValueError, match="ClassificationMetrics: most is no sum"):
            metrics.add_state("most", default, dist_reduce_fx=reduction, persistent=True)
    with pytest.raises(ValueError, match="most is no sum"):
        metrics.add_state("most", torch.tensor(0.0), dist_reduce_fx="max")
