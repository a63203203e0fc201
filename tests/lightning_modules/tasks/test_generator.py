"""Averaged weights of a generator follow it, step by step."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from tests.generated import tiny_dcgan
from tests.tiny import TinyDataModule, tiny_trainer


def weights_of(network: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


@pytest.mark.parametrize(("steps", "factor"), [(1, 2 / 11), (1000, 0.9)])
def test_an_update_averages_the_weights_in(steps: int, factor: float) -> None:
    network = tiny_dcgan(average=0.9)
    with torch.no_grad():
        for parameter in network.generator.parameters():
            parameter.add_(torch.randn_like(parameter))
    old, own = weights_of(network.average), weights_of(network.generator)
    network.update_average(steps)
    for after, before, weight in zip(network.average.parameters(), old, own, strict=True):
        torch.testing.assert_close(after.detach(), factor * before + (1 - factor) * weight)
    assert all(map(torch.equal, weights_of(network.generator), own))


class Averages(Callback):
    """Keeps the averaged weights at the beginning and after each batch."""

    def __init__(self) -> None:
        self.kept: list[list[Tensor]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.kept.append(weights_of(pl_module.average))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.kept.append(weights_of(pl_module.average))


def test_weights_are_averaged_when_the_generator_has_moved(tmp_path: Path) -> None:
    network = tiny_dcgan(num_classes=5, in_channels=3, image_size=16, average=0.9, discriminator_steps=2)
    averages = Averages()
    trainer = tiny_trainer(tmp_path, callbacks=[averages], logger=False, max_epochs=1, limit_train_batches=4)
    trainer.fit(network, TinyDataModule(normalization="symmetric"))
    moved = [not all(map(torch.equal, *pair)) for pair in zip(averages.kept, averages.kept[1:], strict=False)]
    assert moved == [False, True, False, True]
