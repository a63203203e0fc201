"""The plain loop trains as a trainer does."""

import torch

from benchmarks.overhead import Bare
from benchmarks.plain_loop import PlainLoop, fused
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


def test_weights_are_updated_by_the_kernels_of_fit() -> None:
    data = TinyDataModule()
    data.setup("fit")
    made = [PlainLoop(tiny_vgg(), data).optimizer, Bare(tiny_vgg()).configure_optimizers()]
    assert [group["fused"] for optimizer in made for group in optimizer.param_groups] == [True, True]
    others = [torch.optim.SGD([torch.zeros(1, device="meta")]), torch.optim.RMSprop([torch.zeros(1)])]
    assert not [group for optimizer in others for group in fused(optimizer).param_groups if group.get("fused")]
