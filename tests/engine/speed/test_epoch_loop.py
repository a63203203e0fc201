"""The straight loop does what Lightning's does, call by call and bit by bit."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn
from torch.utils.data import DataLoader

from datamodules.batches import ImageBatch
from engine.speed.epoch_loop import EpochLoop
from engine.speed.idle_hooks import HOOKS_OF_A_STEP
from lightning_modules import VGG
from lightning_modules.schedules import WarmupCosine
from lightning_modules.tasks.task import default_optimizer
from tests.bits import assert_same_bits
from tests.contract.data import Points
from tests.contract.modules import AlternatelyAdversarial
from tests.tiny import TinyDataModule, tiny_trainer

OTHER_HOOKS = ("on_train_epoch_start", "on_train_epoch_end", "on_validation_start", "on_validation_end")


def describe(value: Any) -> Any:
    """What of an argument can be compared between two runs."""
    if isinstance(value, Tensor):
        return value.detach().sum().item()
    if isinstance(value, ImageBatch):
        return describe(value.images), describe(value.index)
    if isinstance(value, dict):
        return {key: describe(entry) for key, entry in value.items()}
    return value if isinstance(value, int | None) else type(value).__name__


class Spy(Callback):
    """Takes note of every call, of what model and loop believe of it, and logs something in some of them."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def note(self, hook: str, trainer: Any, model: Any, *arguments: Any) -> None:
        loop = trainer.fit_loop.epoch_loop
        self.calls.append(
            (hook, [describe(one) for one in arguments], model._current_fx_name, trainer.global_step, loop.state_dict())
        )
        if hook in ("on_train_batch_start", "on_train_batch_end"):
            model.log(hook, float(len(self.calls)), on_step=False, on_epoch=True, batch_size=1)


for _hook in (*HOOKS_OF_A_STEP, *OTHER_HOOKS):
    setattr(Spy, _hook, lambda self, *arguments, hook=_hook: self.note(hook, *arguments))


class OwnHooks(VGG):
    """A model with hooks of its own, which returns more than the loss."""

    seen: list[Any]

    def training_step(self, batch: ImageBatch) -> dict[str, Any]:  # without the batch's number
        loss = super().training_step(batch, 0)
        self.log("from_step", loss, batch_size=40)
        return {"loss": loss, "more": 7}

    def on_train_batch_start(self, batch: ImageBatch, batch_idx: int) -> int | None:
        self.seen = [*getattr(self, "seen", []), ("start", batch_idx)]
        return -1 if batch_idx == 4 else None

    def on_before_zero_grad(self, optimizer: Any) -> None:
        self.seen.append("zero")

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Any) -> None:
        self.seen.append(("zero", epoch, batch_idx))
        optimizer.zero_grad()

    def on_after_backward(self) -> None:
        self.seen.append("after")

    def backward(self, loss: Tensor) -> None:
        self.log("in_backward", loss.detach(), batch_size=40)
        loss.backward()

    def configure_gradient_clipping(
        self, optimizer: Any, *, gradient_clip_val: Any, gradient_clip_algorithm: Any
    ) -> None:
        norm = torch.nn.utils.get_total_norm(p.grad for p in self.parameters())
        self.log("norm", norm, on_step=False, on_epoch=True, batch_size=40)


class StopAt(Callback):
    """Asks a run to end within an epoch."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        trainer.should_stop |= trainer.global_step >= self.step


class LooksTwice(torch.optim.SGD):
    """An optimizer that evaluates the loss twice a step."""

    def step(self, closure: Callable) -> Any:
        closure()
        return super().step(closure)


class NoLoss(VGG):
    """A model whose training step forgets the loss."""

    def training_step(self, batch: ImageBatch, batch_idx: int) -> dict[str, Tensor]:
        return {"losses": super().training_step(batch, batch_idx)}


class SkipsBatches(VGG):
    """A model that makes nothing of every other batch."""

    def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor | None:
        return super().training_step(batch, batch_idx) if batch_idx % 2 else None


def _fit(root: Path, loop: type, model: type, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple:
    monkeypatch.setattr("engine.trainer.EpochLoop", loop)
    spy = Spy()
    settings = dict(settings)
    callbacks = [spy, *[make() for make in settings.pop("callbacks", [])]]
    optimizer = settings.pop("optimizer", default_optimizer)
    trainer = tiny_trainer(root, callbacks=callbacks, logger=False, **settings)
    torch.manual_seed(0)
    network = model(
        5, 3, 16, widths=[8, 8], convolutions=[1, 1], dropout=0.2, optimizer=optimizer, lr_scheduler=WarmupCosine
    )
    trainer.fit(network, TinyDataModule())
    assert type(trainer.fit_loop.epoch_loop) is loop
    return trainer, spy, network


@pytest.mark.filterwarnings("ignore:`training_step` returned `None`")
@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (VGG, {}),
        (VGG, {"gradient_clip_val": 0.1}),
        (VGG, {"precision": "bf16-mixed"}),
        (VGG, {"callbacks": [lambda: EMAWeightAveraging(decay=0.9)]}),
        (VGG, {"val_check_interval": 0.5}),
        (VGG, {"limit_train_batches": 3, "max_epochs": 3}),
        (VGG, {"fast_dev_run": 2}),
        (VGG, {"callbacks": [lambda: StopAt(3)]}),
        (VGG, {"max_epochs": 1, "optimizer": partial(LooksTwice, lr=0.05)}),
        (OwnHooks, {}),
        (SkipsBatches, {}),
    ],
    ids=[
        *(
            "plain",
            "clipping",
            "autocast",
            "averaging",
            "validation within epochs",
            "short",
            "dev run",
            "stop",
            "closure",
        ),
        *("own hooks", "skips"),
    ],
)
def test_it_does_what_lightnings_does(
    model: type, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours, spy, network = _fit(tmp_path, EpochLoop, model, monkeypatch, **settings)
    assert ours.fit_loop.epoch_loop._straight
    theirs, their_spy, their_network = _fit(tmp_path, _TrainingEpochLoop, model, monkeypatch, **settings)
    assert spy.calls == their_spy.calls
    assert getattr(network, "seen", None) == getattr(their_network, "seen", None)
    assert_same_bits(network.state_dict(), their_network.state_dict())
    assert_same_bits(ours.optimizers[0].state_dict(), theirs.optimizers[0].state_dict())
    assert ours.callback_metrics == theirs.callback_metrics
    assert len(spy.calls) > 10


@pytest.mark.parametrize("loop", [EpochLoop, _TrainingEpochLoop])
def test_a_step_without_a_loss_is_an_error(loop: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MisconfigurationException, match="the 'loss' key needs to be present"):
        _fit(tmp_path, loop, NoLoss, monkeypatch)


@pytest.mark.parametrize(
    "settings", [{}, {"precision": "bf16-mixed", "gradient_clip_val": 0.1}], ids=["plain", "autocast and clipping"]
)
def test_two_players_make_the_same_steps_in_both_loops(settings: dict[str, Any], tmp_path: Path) -> None:
    states, calls = [], []
    for fast_loop in (True, False):
        spy = Spy()
        averaging = EMAWeightAveraging(decay=0.9)
        trainer = tiny_trainer(tmp_path, callbacks=[spy, averaging], logger=False, fast_loop=fast_loop, **settings)
        torch.manual_seed(0)
        model = AlternatelyAdversarial()
        trainer.fit(model, Points())
        assert getattr(trainer.fit_loop.epoch_loop, "_straight", False) == fast_loop
        states.append((model.state_dict(), trainer.optimizers[0].state_dict()))
        calls.append(spy.calls)
    assert calls[0] == calls[1]
    assert_same_bits(*states)


class Unreadable(LightningModule):
    """A network of another package, which takes note of batches that are None."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.ends: list[bool] = []

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        return self.layer(batch).square().mean()

    def on_train_batch_end(self, outputs: object, batch: torch.Tensor | None, batch_idx: int) -> None:
        self.ends.append(batch is None)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_a_batch_that_is_none_is_left_out_in_both_loops(tmp_path: Path) -> None:
    weights, ends = [], []
    batches = [torch.ones(3, 2), torch.arange(4.0).view(2, 2), None, torch.ones(1, 2)]
    for fast_loop in (True, False):
        torch.manual_seed(0)
        network = Unreadable()
        trainer = tiny_trainer(tmp_path, logger=False, fast_loop=fast_loop)
        with pytest.warns(UserWarning, match="None"):
            trainer.fit(network, DataLoader(batches, batch_size=None))
        assert trainer.global_step == 6
        weights.append(network.layer.weight.detach())
        ends.append(network.ends)
    assert torch.equal(*weights)
    assert ends == [[False, False, True, False] * 2] * 2


def test_without_the_fast_loop_everything_is_lightnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.trainer.keep_freed_memory", lambda: pytest.fail("the allocator was changed"))
    trainer = tiny_trainer(tmp_path, fast_loop=False)
    assert type(trainer.fit_loop.epoch_loop) is _TrainingEpochLoop
    assert type(trainer.profiler) is PassThroughProfiler
    assert all(callable(getattr(callback, hook)) for callback in trainer.callbacks for hook in HOOKS_OF_A_STEP)


class OwnOptimizerStep(VGG):
    """A model that makes its steps itself."""

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable) -> None:
        optimizer.step(closure=optimizer_closure)


@pytest.mark.parametrize(
    ("model", "settings"),
    [(VGG, {"accumulate_grad_batches": 2}), (VGG, {"profiler": "simple"}), (OwnOptimizerStep, {})],
    ids=["accumulation", "profiler", "own optimizer step"],
)
def test_what_is_not_common_goes_lightnings_way(
    model: type, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trainer, _, _ = _fit(tmp_path, EpochLoop, model, monkeypatch, **settings)
    assert not trainer.fit_loop.epoch_loop._straight
    assert trainer.global_step in (6, 12)
