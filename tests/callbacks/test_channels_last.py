"""Weights lie in memory as the batches do."""

from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging

from datamodules.batches import ImageBatch
from engine.trainer import Trainer
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Look(Callback):
    """Notes how a batch lies in memory."""

    batch_is_channels_last = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: ImageBatch, batch_idx: int
    ) -> None:
        self.batch_is_channels_last = batch.images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels_last", [True, False])
def test_weights_and_batches_lie_alike(channels_last: bool, tmp_path: Path) -> None:
    model, look = tiny_vgg(), Look()
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[look], max_epochs=1)
    trainer.channels_last = channels_last
    trainer.fit(model, TinyDataModule())
    weight = model.stages[1][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last) == channels_last
    assert look.batch_is_channels_last == channels_last


def test_averages_lie_as_the_weights_that_they_are_of(tmp_path: Path) -> None:
    averaging = EMAWeightAveraging()
    tiny_trainer(tmp_path, logger=False, callbacks=[averaging], max_epochs=1).fit(tiny_vgg(), TinyDataModule())
    weight = averaging._average_model.module.stages[1][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_values_and_shapes_stay(tmp_path: Path) -> None:
    model = tiny_vgg()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tiny_trainer(tmp_path).test(model, TinyDataModule(), verbose=False)
    assert all(
        torch.equal(before[name], value) for name, value in model.state_dict().items() if "_metrics." not in name
    )
