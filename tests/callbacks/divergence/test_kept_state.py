"""What a training step changes is copied, and comes back."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.wrappers import ClasswiseWrapper

from callbacks.divergence.kept_state import KeptBuffers, KeptState
from core.nested_tensors import tensors_of
from lightning_modules.tasks.metrics import MOST_WAITING, ClassificationMetrics
from tests.bits import assert_same_bits


class Small(LightningModule):
    """A norm, whose statistics are buffers, and two running metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.metrics = ClassificationMetrics()
        self.others = ClassificationMetrics()


def values(model: Small) -> list[float]:
    mean = model.norm.running_mean.tolist()
    return [*mean, *(float(one) for metric in (model.metrics, model.others) for one in (metric.loss, metric.count))]


def add(metric: ClassificationMetrics) -> None:
    metric.update(torch.tensor([[0.0, 1.0]]), torch.tensor([1]), torch.tensor(0.5))


def test_the_latest_copies_come_back_however_a_value_has_changed() -> None:
    model = Small()
    kept = KeptBuffers(model)
    kept.keep()
    for change in (
        lambda: model.norm(torch.randn(4, 2) + 3),
        lambda: add(model.metrics),
        lambda: model.metrics.reset(),
        lambda: (model.metrics.reset(), add(model.metrics), add(model.others)),
        lambda: None,
    ):
        change()
        kept.keep()
        before = values(model)
        model.norm(torch.randn(4, 2) - 5)
        add(model.metrics)
        model.others.reset()
        kept.restore()
        assert values(model) == before
        kept.keep()
        assert values(model) == before


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (torch.optim.Adam, {"betas": (0.5, 0.9)}),
        (torch.optim.SGD, {"momentum": 0.9}),
        (torch.optim.LBFGS, {"line_search_fn": "strong_wolfe"}),
    ],
)
def test_the_state_of_an_optimizer_comes_back_as_it_was(kind: type, settings: dict[str, Any]) -> None:
    model = Small()
    optimizer = kind(model.norm.parameters(), lr=0.1, **settings)
    trainer = SimpleNamespace(optimizers=[optimizer], callbacks=[])

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model.norm(torch.arange(8.0).view(4, 2) ** 2).pow(3).sum()
        loss.backward()
        return loss

    kept = KeptState(trainer, model)
    kept.keep()
    optimizer.step(step)
    kept.keep()
    before = [weight.tolist() for weight in model.parameters()], str(optimizer.state_dict())
    optimizer.step(step)
    assert str(optimizer.state_dict()) != before[1]
    kept.restore()
    assert ([weight.tolist() for weight in model.parameters()], str(optimizer.state_dict())) == before


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.LBFGS])
def test_later_copies_are_written_into_the_first(kind: type) -> None:
    model = Small()
    averaging = EMAWeightAveraging()
    averaging._average_model = AveragedModel(model, use_buffers=True)
    optimizer = kind(model.norm.parameters(), lr=0.1)
    kept = KeptState(SimpleNamespace(optimizers=[optimizer], callbacks=[averaging]), model)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model.norm(torch.arange(8.0).view(4, 2) ** 2).pow(2).sum()
        loss.backward()
        return loss

    places: list[set[int]] = []
    for _ in range(3):
        optimizer.step(step)
        averaging._average_model.update_parameters(model)
        kept.keep()
        places.append({tensor.data_ptr() for tensor in tensors_of(kept._copies)})
        live = (*model.parameters(), *averaging._average_model.parameters(), *averaging._average_model.buffers())
        assert_same_bits(kept._copies["tensors"], [*live])
        assert_same_bits(kept._copies["optimizers"], [optimizer.state_dict()])
        assert not places[-1] & {tensor.data_ptr() for tensor in (*live, *tensors_of(optimizer.state_dict()))}
    if kind is torch.optim.Adam:  # the other has more values from step to step
        assert places[0] == places[1] == places[2]


def test_what_has_another_form_by_now_is_copied_anew() -> None:
    given: dict[str, Any] = {"a": torch.ones(2), "b": [torch.ones(2), {"c": 1}], "d": torch.ones(2), "e": [1]}
    optimizer = SimpleNamespace(state_dict=lambda: given)
    kept = KeptState(SimpleNamespace(optimizers=[optimizer], callbacks=[]), Small())
    for changes in (
        {},
        {"a": torch.zeros(3), "d": torch.ones(2).double()},
        {"b": {"c": torch.ones(1)}, "e": [torch.ones(1).to_sparse()]},
        {"b": [torch.zeros(2)], "e": [torch.zeros(1).to_sparse(), (2, 3)]},
    ):
        given |= changes
        kept.keep()
        assert str(kept._copies["optimizers"]) == str([given])


def test_changes_in_inference_mode_are_seen() -> None:
    model = Small()
    kept = KeptBuffers(model)
    with torch.inference_mode():
        model.metrics.reset()
        kept.keep()
        add(model.metrics)
        kept.keep()
        before = values(model)
        add(model.metrics)
        kept.restore()
    assert values(model) == before


def test_a_metric_within_a_wrapper_is_kept() -> None:
    model = Small()
    model.wrapped = ClasswiseWrapper(MulticlassAccuracy(2, average=None))
    kept = KeptBuffers(model)
    kept.keep()
    model.wrapped.update(torch.tensor([1, 0]), torch.tensor([1, 1]))
    assert model.wrapped.metric.tp.tolist() == [0, 1]
    kept.restore()
    assert model.wrapped.metric.tp.tolist() == [0, 0]


def test_batches_that_wait_come_back_as_well() -> None:
    """Some have been added to the sums since, and are not in the copies."""
    model = Small()
    kept = KeptBuffers(model)
    for _ in range(MOST_WAITING - 1):
        add(model.metrics)
    kept.keep()
    for _ in range(3):
        add(model.metrics)
    kept.restore()
    assert int(model.metrics.count) == MOST_WAITING - 1
    kept.restore()
    assert int(model.metrics.count) == MOST_WAITING - 1


def test_only_what_has_changed_is_copied_again(monkeypatch) -> None:
    model = Small()
    kept = KeptBuffers(model)
    for _ in range(2):
        kept.keep()
    copied: list[int] = []
    copy = torch._foreach_copy_
    monkeypatch.setattr(torch, "_foreach_copy_", lambda into, of: (copied.append(len(of)), copy(into, of)))
    add(model.metrics)
    kept.keep()
    assert int(model.metrics.count) == 1  # read, which adds the batch that waits
    kept.keep()
    # the norm's buffers, which torch changes without counting, and then the sums of one metric
    assert copied == [3, 3 + 3]
