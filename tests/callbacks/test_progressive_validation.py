"""Accuracy on the batch that is about to be used."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback

from callbacks import ProgressiveValidation, RunCheckpoint
from core.errors import InputError
from engine.runs.run_folder import RunFolder
from lightning_modules import VGG
from tests.bits import assert_same_bits, figures_of
from tests.interruptions import PulledPlug, PullPlug
from tests.plain import PlainData, PlainModule
from tests.tiny import TINY_CONFIG, TinyDataModule, tiny_trainer, tiny_vgg


class ByHand(Callback):
    """Keeps for every batch whether a copy of the network in evaluation mode is right, and its loss."""

    def __init__(self) -> None:
        self.right: list[torch.Tensor] = []
        self.losses: list[torch.Tensor] = []

    def on_train_batch_start(self, _: object, pl_module: VGG, batch: object, batch_idx: int) -> None:
        """Measures the batch."""
        model = copy.deepcopy(pl_module).eval()
        with torch.no_grad():
            logits = model(batch.images)
        self.right.append((logits.argmax(1) == batch.targets).float())
        self.losses.append(torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none"))


def test_it_is_the_mean_over_batches_before_their_updates_without_dropout(tmp_path: Path) -> None:
    by_hand = ByHand()
    trainer = tiny_trainer(tmp_path, callbacks=[ProgressiveValidation(), by_hand], max_epochs=2)
    trainer.fit(tiny_vgg(), TinyDataModule())
    right, losses = torch.cat(by_hand.right[6:]), torch.cat(by_hand.losses[6:])  # of the second epoch
    assert len(right) == 240
    assert trainer.callback_metrics["train/acc_before"] == pytest.approx(right.mean().item())
    assert trainer.callback_metrics["train/loss_before"] == pytest.approx(losses.mean().item(), rel=1e-5)
    assert trainer.callback_metrics["train/loss_before"] != pytest.approx(trainer.callback_metrics["train/loss"].item())


def trained(folder: Path, *callbacks: Callback, resume: bool = False) -> dict:
    """Trains for two epochs of six batches, and returns the last checkpoint."""
    folder.mkdir(exist_ok=True)
    callbacks = [*callbacks, RunCheckpoint(every_n_train_steps=2)]
    trainer = tiny_trainer(folder, callbacks=callbacks, seed=3, run_folder=RunFolder(folder), logger=False)
    last = folder / "checkpoints" / "last.ckpt"
    trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=last if resume else None)
    return torch.load(last, weights_only=True)


def test_it_changes_no_bit_of_a_run_and_goes_on_within_an_epoch(tmp_path: Path) -> None:
    plain = trained(tmp_path / "plain")
    measured = trained(tmp_path / "measured", ProgressiveValidation())
    for name in ("state_dict", "optimizer_states"):
        assert_same_bits(measured[name], plain[name])
    with pytest.raises(PulledPlug):
        trained(tmp_path / "resumed", ProgressiveValidation(), PullPlug(9))
    trained(tmp_path / "resumed", ProgressiveValidation(), resume=True)
    tables = [figures_of(tmp_path / name / "metrics.csv") for name in ("measured", "resumed")]
    assert tables[0] == tables[1]
    assert "train/acc_before" in tables[0][0]


def test_a_checkpoint_has_the_sums_of_all_processes_and_gives_them_to_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback, model = ProgressiveValidation(), tiny_vgg()
    trainer = tiny_trainer(tmp_path, callbacks=[callback], max_epochs=1)
    trainer.fit(model, TinyDataModule())
    alone: dict = {}
    callback.on_save_checkpoint(trainer, model, alone)
    assert alone["progressive_validation"]["count"] == 240
    monkeypatch.setattr(type(trainer), "world_size", 2)
    monkeypatch.setattr(trainer.strategy, "reduce", lambda value, reduce_op: 2 * value)
    both: dict = {}
    callback.on_save_checkpoint(trainer, model, both)
    assert both["progressive_validation"]["count"] == 480
    for first, count in ((True, 480), (False, 0)):
        monkeypatch.setattr(type(trainer), "is_global_zero", first)
        other = ProgressiveValidation()
        other.on_load_checkpoint(trainer, model, both)
        other.on_train_start(trainer, model)
        assert other._metrics.count == count


def test_restored_sums_are_on_the_device_of_the_model(tmp_path: Path) -> None:
    callback, trainer = ProgressiveValidation(), tiny_trainer(tmp_path)
    model = tiny_vgg()
    sums = model.metrics_type(persistent=True).state_dict()  # a checkpoint is read onto the CPU
    callback.on_load_checkpoint(trainer, model, {"progressive_validation": sums})
    model.to("meta")  # stands for a GPU
    callback.on_train_start(trainer, model)
    assert {value.device.type for value in callback._metrics.state_dict().values()} == {"meta"}
    callback.on_train_epoch_start(trainer, model)
    assert {value.device.type for value in callback._metrics.state_dict().values()} == {"meta"}


def test_what_is_not_classified_has_no_accuracy(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=[ProgressiveValidation()])
    with pytest.raises(InputError, match="ProgressiveValidation: PlainModule has no accuracy"):
        trainer.fit(PlainModule(), PlainData())


def test_a_config_asks_for_it(tmp_path: Path, command: Callable) -> None:
    asked = "  max_epochs: 1\n  callbacks: [{class_path: callbacks.ProgressiveValidation}]\n"
    (tmp_path / "mine.yaml").write_text(TINY_CONFIG.replace("  max_epochs: 3\n", asked))
    code, output, errors = command("fit", "--config", "mine.yaml", "--run_dir", "run")
    assert code == 0, errors
    figures = json.loads((tmp_path / "run" / "summary.json").read_text())["last"]["metrics"]
    assert f"acc_before {figures['train/acc_before']:.2%}" in output
    code, output, errors = command("fit", "--ckpt_path", "run", "--trainer.max_epochs", 2)
    assert code == 0, errors
    assert "acc_before" in output
    assert command("test", "--ckpt_path", "run")[0] == 0


def test_all_processes_measure_with_the_buffers_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("callbacks.progressive_validation.take_buffers_of_first", lambda model: calls.append("batch"))
    monkeypatch.setattr("lightning_modules.tasks.task.renew_buffers", lambda model: calls.append("validation"))
    callbacks = [ProgressiveValidation()]
    tiny_trainer(tmp_path, callbacks=callbacks, max_epochs=1, limit_train_batches=2).fit(tiny_vgg(), TinyDataModule())
    assert calls == ["batch", "batch", "validation"]
