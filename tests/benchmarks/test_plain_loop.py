"""The plain loop trains as a trainer does."""

import torch

from benchmarks.plain_loop import PlainLoop
from tests.tiny import TinyDataModule, tiny_vgg


def test_it_learns_from_every_batch() -> None:
    data = TinyDataModule()
    data.setup("fit")
    loop = PlainLoop(tiny_vgg(dropout=0.0), data)
    assert sorted(loop.order.tolist()) == list(range(240))
    before = [parameter.clone() for parameter in loop.network.parameters()]
    loop.step(0)
    loop.step(5)
    changed = [not torch.equal(*pair) for pair in zip(before, loop.network.parameters(), strict=True)]
    assert any(changed)
    assert all(parameter.grad is not None for parameter in loop.network.parameters())
