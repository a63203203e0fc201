"""A network that has stopped learning is told of, and no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from callbacks.zero_gradients import _are_of_biases_alone
from engine.trainer import Trainer
from lightning_modules import MLP
from tests.tiny import TinyDataModule, tiny_trainer

SAID = "the gradients of all weights were 0"


@pytest.mark.parametrize(("bias", "times"), [(-1e4, 1), (0.0, 0)], ids=["dead", "alive"])
def test_dead_units_are_told_of_once(
    bias: float, times: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    model = MLP(num_classes=5, image_size=16, widths=[8])
    nn.init.constant_(model.layers[2].bias, bias)
    tiny_trainer(tmp_path, limit_train_batches=2, max_epochs=3).fit(model, datamodule=TinyDataModule())
    said = [line for line in capsys.readouterr().out.splitlines() if SAID in line]
    assert len(said) == times
    assert all(line.startswith("note     in epoch 1 ") for line in said)


class Numbers(IterableDataset):
    """Batches of one number, as many as nobody knows.

    Args:
        batches: The numbers of an epoch.
    """

    def __init__(self, batches: list[float]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Tensor]:
        """Yields the batches."""
        yield from torch.tensor(self.batches)[:, None]


class Unit(LightningModule):
    """A ReLU that gives 0 for what is not above 0, and an output with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(1, 1), nn.Linear(1, 1)
        nn.init.constant_(self.hidden.weight, 1.0)
        nn.init.constant_(self.hidden.bias, 0.0)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Returns the output as the loss."""
        return self.output(self.hidden(batch).relu()).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Returns one that moves nothing."""
        return torch.optim.SGD(self.parameters(), lr=0.0)


@pytest.mark.parametrize(
    ("batches", "times"),
    [([-1.0, -2.0], 1), ([1.0, -2.0], 0), ([-1.0, 2.0], 0)],
    ids=["dead in all", "dead in the last alone", "alive in the last"],
)
def test_a_batch_alone_proves_nothing(
    batches: list[float], times: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = Trainer(default_root_dir=tmp_path, accelerator="cpu", max_epochs=4)
    trainer.fit(Unit(), DataLoader(Numbers(batches), batch_size=None))
    assert capsys.readouterr().out.count(SAID) == times


@pytest.mark.parametrize(
    ("weight", "bias", "is_dead"),
    [
        (0.0, 1.0, True),
        (1.0, 1.0, False),
        (float("nan"), 1.0, False),  # which the guard tells of
        (0.0, 0.0, False),  # every sample is fitted to the last bit
        (None, 1.0, False),  # weights that are frozen
        (0.0, None, False),
    ],
)
def test_biases_alone_must_have_a_gradient(weight: float | None, bias: float | None, is_dead: bool) -> None:
    layer = nn.Linear(2, 3)
    layer.weight.grad = None if weight is None else torch.full((3, 2), weight)
    layer.bias.grad = None if bias is None else torch.full((3,), bias)
    assert _are_of_biases_alone(layer) == is_dead


def test_gradients_of_a_few_rows_count() -> None:
    model = nn.Sequential(nn.Embedding(5, 2, sparse=True), nn.LayerNorm(2))
    model(torch.tensor([1, 3]))[:, 0].sum().backward()
    assert model[0].weight.grad.is_sparse
    assert not _are_of_biases_alone(model)
