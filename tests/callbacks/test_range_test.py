"""A range test raises every group's rate by one factor, whatever the schedule, and keeps the loss after each step."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader

from callbacks.range_test import RangeTest
from core.errors import InputError
from engine.training.stages import Stages
from lightning_modules.optimizers import Muon
from tests.generating import TinyNoise
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Line(LightningModule):
    """Learns a number by steps of two groups, whose second has a tenth of the first one's rate."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
        self.seen: list[tuple[float, ...]] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Returns the distance of the sum from 0."""
        self.seen.append(tuple(group["lr"] for group in self.optimizers().param_groups))
        return (self.first + self.second).square().sum()

    def configure_optimizers(self) -> dict:
        """Returns SGD with two groups, and a schedule that would halve their rates."""
        groups = [{"params": [self.first], "lr": 0.5}, {"params": [self.second], "lr": 0.05}]
        optimizer = optim.SGD(groups)
        schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def run_range(model: LightningModule, data: object, root: Path, test: RangeTest, **options: object) -> RangeTest:
    """Runs a range test."""
    trainer = tiny_trainer(root, callbacks=[test], max_epochs=-1, limit_val_batches=0, logger=False, **options)
    Stages.fit(trainer, model, datamodule=data)
    return test


class StopsAfter(Callback):
    """Ends training after some batches."""

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_train_batch_end(self, trainer: Trainer, *others: object) -> None:
        """Ends it."""
        trainer.should_stop |= trainer.global_step == self.batches


def test_a_test_that_something_else_ends_has_a_rate_for_each_loss(tmp_path: Path) -> None:
    test = RangeTest(1e-6, 1e-2, 25, bar=False)
    trainer = tiny_trainer(tmp_path, callbacks=[test, StopsAfter(12)], max_epochs=-1, limit_val_batches=0, logger=False)
    Stages.fit(trainer, Line(), datamodule=TinyNoise())
    assert test.was_stopped
    assert len(test.rates) == len(test.losses) == 11


def test_rates_of_all_groups_rise_by_one_factor(tmp_path: Path) -> None:
    model = Line()
    test = run_range(model, TinyNoise(), tmp_path, RangeTest(1e-6, 1e-2, 25, bar=False))
    assert test.configured == 0.5
    assert test.rates == pytest.approx(torch.logspace(-6, -2, 25).tolist())
    assert [first for first, _ in model.seen[:25]] == test.rates
    assert all(second == pytest.approx(first / 10) for first, second in model.seen)
    assert len(model.seen) == 26  # the last batch only measures what the last step has done
    total, expected = 2.0, []
    for rate in test.rates:
        total -= rate * 1.1 * 2 * total
        expected.append(total**2)
    assert test.losses == pytest.approx(expected)


def test_the_loss_of_a_step_is_the_mean_over_its_batches(tmp_path: Path) -> None:
    model = Line()
    test = run_range(model, TinyNoise(), tmp_path, RangeTest(1e-9, 1e-8, 20, bar=False), accumulate_grad_batches=2)
    assert test.losses == pytest.approx([4.0] * 20)  # five batches an epoch: the third step of each has one


@pytest.mark.filterwarnings("ignore:a batch of training was None")
def test_a_batch_that_is_none_is_no_step(tmp_path: Path) -> None:
    batches = DataLoader([None, torch.ones(1), None, torch.ones(1)], batch_size=None)
    test = RangeTest(1e-9, 1e-8, 20, bar=False)
    trainer = tiny_trainer(tmp_path, callbacks=[test], max_epochs=-1, limit_val_batches=0, logger=False)
    Stages.fit(trainer, Line(), batches)
    assert test.losses == pytest.approx([4.0] * 20)


def test_it_ends_where_the_loss_explodes(tmp_path: Path) -> None:
    test = run_range(Line(), TinyNoise(), tmp_path, RangeTest(1e-3, 1e3, 60, bar=False))
    assert test.diverged
    assert len(test.rates) == len(test.losses) < 60
    assert test.losses[-1] > 4 * min(test.losses)


def test_networks_of_this_project_are_tested_with_their_own_groups(tmp_path: Path) -> None:
    model = tiny_vgg(norm_lr_factor=4.0, optimizer=lambda groups: optim.SGD(groups, lr=0.1))
    test = run_range(model, TinyDataModule(), tmp_path, RangeTest(1e-5, 1e-1, 20, bar=False))
    rates = {group["name"]: group["lr"] for group in model.trainer.optimizers[0].param_groups}
    assert rates["norms"] == pytest.approx(4 * rates["weights"])
    assert rates["weights"] == pytest.approx(0.1)
    assert len(test.losses) == 20


def head_first(depth_factor: float | None) -> Callable[[Line], optim.Optimizer]:
    """Returns what makes Muon, whose first group is the head; the second has hidden weights, or there is none."""

    def make(model: Line) -> optim.Optimizer:
        groups = [{"params": [model.first], "name": "head"}, {"params": [model.second], "name": "biases"}]
        if depth_factor is not None:
            model.second = nn.Parameter(torch.ones(1, 1))
            groups[1] = {"params": [model.second], "name": "weights", "depth_factor": depth_factor}
        optimizer = Muon(groups, lr=0.02, head_lr=0.3, vector_lr=0.1)
        for group in optimizer.param_groups:
            group["lr"] *= group.get("depth_factor", 1)
        return optimizer

    return make


@pytest.mark.parametrize(
    ("make", "configured"),
    [
        (head_first(depth_factor=1.0), 0.02),
        (head_first(depth_factor=0.85), 0.02),
        (head_first(depth_factor=None), 0.3),  # no weight has the optimizer's own rate
        (lambda model: optim.SGD([{"params": [model.first], "lr": 0.5}, {"params": [model.second]}], lr=0.1), 0.1),
    ],
    ids=["last part", "deeper", "no hidden weights", "a group of its own"],
)
def test_the_rate_that_is_tested_is_that_of_the_settings(
    make: Callable[[Line], optim.Optimizer], configured: float, tmp_path: Path
) -> None:
    model, trainer = Line(), tiny_trainer(tmp_path, logger=False)
    trainer.strategy.optimizers = [make(model)]
    test = RangeTest(1e-4, 1e-2, 20, bar=False)
    test.on_fit_start(trainer, model)
    assert test.configured == configured
    before = [group["lr"] for group in trainer.optimizers[0].param_groups]
    test.on_train_batch_start(trainer, model, None, 0)
    after = [group["lr"] for group in trainer.optimizers[0].param_groups]
    assert after == pytest.approx([rate * 1e-4 / configured for rate in before])


class ByHand(Line):
    """Trains by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False


class Still(Line):
    """Has a learning rate of 0."""

    def configure_optimizers(self) -> optim.Optimizer:
        """Returns SGD that stands still."""
        return optim.SGD(self.parameters(), lr=0.0)


@pytest.mark.parametrize(
    ("model", "reason"), [(ByHand(), "by several players or by hand"), (Still(), "the configured learning rate is 0")]
)
def test_what_has_no_rate_to_raise_is_refused(model: LightningModule, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        run_range(model, TinyNoise(), tmp_path, RangeTest(bar=False))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [((0.0, 1.0), "--min_lr is 0"), ((1.0, 0.5), "--max_lr 0.5: must be above"), ((0.1, 1.0, 5), "--steps is 5")],
)
def test_no_range_is_refused(arguments: tuple, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        RangeTest(*arguments)
