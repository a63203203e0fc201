"""What a training step changes is copied, and comes back."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule
from torch import nn

from callbacks.divergence.kept_state import KeptBuffers, copy_full_state, restore_full_state
from lightning_modules.tasks.metrics import ClassificationMetrics


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

    optimizer.step(step)
    state = copy_full_state(trainer, model)
    before = [weight.tolist() for weight in model.parameters()], str(optimizer.state_dict())
    optimizer.step(step)
    assert str(optimizer.state_dict()) != before[1]
    restore_full_state(trainer, model, state)
    assert ([weight.tolist() for weight in model.parameters()], str(optimizer.state_dict())) == before


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
    assert copied == [3 + 3]  # the norm's buffers, which torch changes without counting, and the sums of one metric
