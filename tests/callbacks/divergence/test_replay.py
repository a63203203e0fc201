"""The replay names the module that fails in a step of any kind, and leaves the run as it was."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn

from callbacks import NaNGuard
from callbacks.divergence.replay import Step, find_module
from callbacks.nan_guard import Diverged
from lightning_modules import VGG
from tests.bits import assert_same_bits
from tests.contract.data import PointBatch, Points
from tests.contract.modules import Adversarial, AlternatelyAdversarial, ManuallyAdversarial
from tests.tiny import TinyDataModule, tiny_trainer

BATCH = PointBatch(torch.ones(8, 2))


class ByClosures(ManuallyAdversarial):
    """Gives closures to its optimizers, and differentiates without Lightning's help."""

    def training_step(self, batch: PointBatch, batch_idx: int) -> None:
        for player, optimizer in zip(self.means, self.optimizers(), strict=True):

            def closure(player: str = player, optimizer: Any = optimizer) -> Tensor:
                optimizer.zero_grad()
                loss = self.loss(player, batch)
                self.means[player].update(loss.detach())
                (slope,) = torch.autograd.grad(loss, self.discriminator[0].weight, create_graph=True)
                (loss + slope.square().sum()).backward()
                return loss

            optimizer.step(closure)


class WithoutLosses(AlternatelyAdversarial):
    """Does not name its losses, and does not take the batch's number."""

    losses = ()  # another package's attribute of this name

    def training_step(self, batch: PointBatch) -> Tensor:
        loss = self.loss(self.player, batch)
        self.means[self.player].update(loss.detach())
        return loss


def _fit(root: Path, model: LightningModule) -> Trainer:
    trainer = tiny_trainer(root, max_epochs=1, logger=False)
    trainer.fit(model, Points())
    return trainer


def _state(trainer: Trainer, model: LightningModule) -> Any:
    schedules = [config.scheduler.state_dict() for config in trainer.lr_scheduler_configs]
    parameters = dict(model.named_parameters())
    return copy.deepcopy([parameters, [one.state_dict() for one in trainer.optimizers], schedules, trainer.global_step])


@pytest.mark.parametrize("kind", [ManuallyAdversarial, ByClosures, AlternatelyAdversarial, WithoutLosses])
def test_a_module_is_named_and_nothing_is_updated(kind: type[Adversarial], tmp_path: Path) -> None:
    model = kind()
    trainer = _fit(tmp_path, model)
    before = _state(trainer, model)
    step = Step(BATCH, 0, 0, 7, 6, None)
    assert find_module(trainer, model, step).startswith("none (every module's output is finite)")
    model.generator[-1].factor = torch.inf
    named = find_module(trainer, model, step)
    assert named.startswith("generator.4 (Stretch)")
    assert ("in the losses discriminator, generator" in named) == (kind is AlternatelyAdversarial)
    assert_same_bits(_state(trainer, model), before)
    torch.ones(1, requires_grad=True).sum().backward()  # works again
    assert "step" not in vars(model)


def test_a_batch_that_is_not_finite_is_said_and_a_replay_that_fails_hides_nothing(tmp_path: Path) -> None:
    model = ManuallyAdversarial()
    trainer = _fit(tmp_path, model)
    found = find_module(trainer, model, Step(PointBatch(torch.full((8, 2), torch.nan)), 0, 0, 7, 6, None))
    assert found == "discriminator.0 (Linear), fed with a batch that is itself not finite"
    found = find_module(trainer, model, Step(PointBatch(torch.ones(8, 3)), 0, 0, 7, 6, None))
    assert "(the replay failed: " in found


def test_arithmetic_between_modules_is_named_by_the_module_around_it(tmp_path: Path) -> None:
    class Divides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) / 0

    model = ManuallyAdversarial()
    trainer = _fit(tmp_path, model)
    model.generator[-1] = Divides()
    assert find_module(trainer, model, Step(BATCH, 0, 0, 7, 6, None)).startswith("generator.4 (Divides)")


def test_a_loss_is_named_where_every_output_is_finite(tmp_path: Path) -> None:
    class Spoiled(VGG):
        def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
            return super().loss(logits, targets, label_smoothing) * torch.nan

    model = Spoiled(5, image_size=16, widths=[8, 8], convolutions=[1, 1])
    with pytest.raises(Diverged, match=r"none \(every module's output is finite\), in the loss classification"):
        tiny_trainer(tmp_path, max_epochs=1, logger=False).fit(model, TinyDataModule())


@pytest.mark.parametrize("kind", [ManuallyAdversarial, WithoutLosses])
def test_a_later_check_restores_the_weights_of_all_players(kind: type[Adversarial], tmp_path: Path) -> None:
    model = kind(break_at=4)
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, callbacks=[NaNGuard(every_n_steps=3)])
    with pytest.raises(Diverged, match=r"of step 4 is not finite; .* generator\.4 \(Stretch\)"):
        trainer.fit(model, Points())
    assert all(torch.isfinite(value).all() for value in model.parameters())
    for optimizer in trainer.optimizers:
        states = optimizer.state_dict()["state"].values()
        assert {int(state["step"]) for state in states} == {3}
