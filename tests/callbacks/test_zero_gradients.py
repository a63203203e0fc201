"""A network that has stopped learning is told of, and no other."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from callbacks.zero_gradients import ZeroGradients
from lightning_modules import MLP
from tests.tiny import TinyDataModule, tiny_trainer


@pytest.mark.parametrize(("bias", "times"), [(-1e4, 1), (0.0, 0)], ids=["dead", "alive"])
def test_dead_units_are_told_of_once(
    bias: float, times: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    model = MLP(num_classes=5, image_size=16, widths=[8])
    nn.init.constant_(model.layers[2].bias, bias)
    tiny_trainer(tmp_path, limit_train_batches=2).fit(model, datamodule=TinyDataModule())
    said = [line for line in capsys.readouterr().out.splitlines() if "the gradient of every weight was 0" in line]
    assert len(said) == times
    assert all(line.startswith("note     in the last batch of epoch 0 ") for line in said)


@pytest.mark.parametrize(
    ("weight", "bias", "is_told"),
    [
        (0.0, 1.0, True),
        (1.0, 1.0, False),
        (float("nan"), 1.0, False),  # which the guard tells of
        (0.0, 0.0, False),  # every sample is fitted to the last bit
        (None, 1.0, False),  # weights that are frozen
        (0.0, None, False),
    ],
)
def test_biases_alone_must_have_a_gradient(
    weight: float | None, bias: float | None, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = nn.Linear(2, 3)
    layer.weight.grad = None if weight is None else torch.full((3, 2), weight)
    layer.bias.grad = None if bias is None else torch.full((3,), bias)
    callback, trainer = ZeroGradients(), SimpleNamespace(current_epoch=7, num_training_batches=3)
    for _ in range(2):
        callback.on_fit_start(trainer, layer)
        for batch in range(3):
            callback.on_train_batch_end(trainer, layer, None, None, batch)
    assert capsys.readouterr().out.count("in the last batch of epoch 7") == 2 * is_told


def test_gradients_of_a_few_rows_count(capsys: pytest.CaptureFixture[str]) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.bias = nn.Embedding(5, 2, sparse=True), nn.Parameter(torch.zeros(2))

    model, callback = Words(), ZeroGradients()
    (model.words(torch.tensor([1, 3])) + model.bias).sum().backward()
    trainer = SimpleNamespace(current_epoch=0, num_training_batches=1)
    callback.on_fit_start(trainer, model)
    callback.on_train_batch_end(trainer, model, None, None, 0)
    assert not capsys.readouterr().out
