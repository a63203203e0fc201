"""Optimizers of new runs are fused, and compute what they compute one by one."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop

import callbacks.fused_optimizers
from callbacks.freeze import Freeze
from callbacks.fused_optimizers import FUSED
from engine.runs.checkpoint_io import load_checkpoint
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

KINDS = {
    "SGD": partial(SGD, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": partial(Adam, lr=0.002, amsgrad=True),
    "AdamW": partial(AdamW, lr=0.002, weight_decay=0.1),
    "Adagrad": partial(Adagrad, lr=0.01),
}


def fitted(folder: Path, optimizer: Any, model: LightningModule | None = None, **options: Any) -> LightningModule:
    """Returns a network after two epochs of six steps, or what is left of them."""
    channels_last, ckpt_path = options.pop("channels_last", True), options.pop("ckpt_path", None)
    model = model or tiny_vgg()
    model.make_optimizer = optimizer
    trainer = tiny_trainer(folder, **{"max_epochs": 2, "precision": "32-true", "logger": False} | options)
    trainer.channels_last = channels_last
    trainer.fit(model, TinyDataModule(), ckpt_path=ckpt_path)
    model.fused = [group.get("fused") for optimizer in trainer.optimizers for group in optimizer.param_groups]
    model.checkpoint = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    return model


def difference(one: LightningModule, other: LightningModule) -> float:
    """Returns the largest difference of two networks' weights."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max((first - second).abs().max().item() for first, second in pairs)


def test_every_kind_with_a_kernel_is_tried() -> None:
    assert {kind.func for kind in KINDS.values()} == set(FUSED)


@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_what_the_optimizer_computes_one_by_one(kind: str, tmp_path: Path) -> None:
    fused = fitted(tmp_path / "fused", KINDS[kind])
    apart = fitted(tmp_path / "apart", partial(KINDS[kind], fused=False))
    assert set(fused.fused) == {True}
    assert set(apart.fused) == {False}
    assert difference(fused, apart) < 1e-5 < difference(fused, tiny_vgg())


@pytest.mark.parametrize(
    "optimizer",
    [partial(Adam, foreach=True), partial(Adam, fused=False), partial(Adam, lr=torch.tensor(0.01)), RMSprop],
    ids=["foreach", "not fused", "rate as a tensor", "no kernel"],
)
def test_another_way_that_is_configured_stays(optimizer: Any, tmp_path: Path) -> None:
    assert True not in fitted(tmp_path, optimizer, max_epochs=1, limit_train_batches=1).fused


def test_a_run_that_goes_on_keeps_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.fused_optimizers, "FUSED", ())  # as runs were before
        whole = fitted(tmp_path / "whole", KINDS["Adam"])
        half = fitted(tmp_path / "half", KINDS["Adam"], max_epochs=1)
    resumed = fitted(tmp_path / "resumed", KINDS["Adam"], ckpt_path=half.checkpoint)
    assert resumed.fused == [None] * len(resumed.fused)
    assert difference(resumed, whole) == 0


@pytest.mark.parametrize("fused", [None, True], ids=["by itself", "configured"])
def test_moments_lie_as_the_weights_after_a_resume(fused: bool | None, tmp_path: Path) -> None:
    ends = []
    for name, way in (("fused", fused), ("apart", False)):
        optimizer = partial(KINDS["Adam"], fused=way)
        half = fitted(tmp_path / name, optimizer, max_epochs=1, channels_last=False)
        state = load_checkpoint(half.checkpoint)["optimizer_states"][0]
        moments = [one["exp_avg"] for one in state["state"].values() if one["exp_avg"].dim() == 4]
        assert all(moment.is_contiguous() for moment in moments)
        ends.append(fitted(tmp_path / f"{name}_2", optimizer, ckpt_path=half.checkpoint, channels_last=True))
    assert set(ends[0].fused) == {True}
    assert difference(*ends) < 1e-5


class Later(Callback):
    """Gives a weight no gradient in the first step."""

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.global_step == 0:
            next(pl_module.parameters()).grad = None


@pytest.mark.parametrize("optimizer", [KINDS["SGD"], partial(SGD, lr=0.05, momentum=0.9, dampening=0.5)])
@pytest.mark.parametrize("late", [Later(), Freeze(["stages.0"], until_epoch=1)], ids=["no gradient", "frozen"])
def test_momentum_may_begin_later(optimizer: Any, late: Callback, tmp_path: Path) -> None:
    fused = fitted(tmp_path / "fused", optimizer, callbacks=[late])
    apart = fitted(tmp_path / "apart", partial(optimizer, fused=False), callbacks=[late])
    assert difference(fused, apart) < 1e-5 < difference(fused, tiny_vgg())


class OtherLayout(LightningModule):
    """Puts gradients in memory in another order than their weights."""

    def on_after_backward(self) -> None:
        for weight in self.parameters():
            if weight.dim() == 4 and weight.grad is not None:
                weight.grad = weight.grad.contiguous()


@pytest.mark.parametrize("late", [(), (r"stages\.\d\.0",)], ids=["from the start", "later"])
def test_gradients_of_another_layout_are_not_fused(late: tuple[str, ...], tmp_path: Path) -> None:
    ends = []
    for way in (None, False):
        model = tiny_vgg()
        model.__class__ = type("Other", (OtherLayout, type(model)), {})
        optimizer, freeze = partial(KINDS["Adam"], fused=way), Freeze(stages=dict.fromkeys(late, 1))
        ends.append(fitted(tmp_path / str(way), optimizer, model, callbacks=[freeze]))
    assert set(ends[0].fused) == {False}
    assert difference(*ends) < 1e-5
