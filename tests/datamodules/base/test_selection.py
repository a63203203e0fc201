"""Which samples an epoch has."""

from copy import deepcopy

import torch
from torch import Tensor

from datamodules.base.selection import Selection

N, SIZE = 100, 30


def epoch_of(selection: Selection, epoch: int, losses: torch.Tensor) -> torch.Tensor:
    """Makes an epoch; returns its samples."""
    selection.choose(7, epoch)
    selection.note(selection.order, losses[selection.order])
    return selection.order


def highest(losses: torch.Tensor) -> set[int]:
    """Returns the samples of the highest losses."""
    return set(losses.argsort(descending=True)[:SIZE].tolist())


def given_to_add(selection: Selection) -> list[Tensor]:
    """Returns what a process gives to be added up over all."""
    given: list[Tensor] = []

    def add(part: Tensor) -> Tensor:
        given.append(part.clone())
        return part

    deepcopy(selection).gather(add)
    return given


def test_at_first_all_samples_are_seen_equally_often_and_never_twice_in_an_epoch() -> None:
    selection = Selection(N, SIZE, from_epoch=99)
    for epoch in range(10):
        order = epoch_of(selection, epoch, torch.rand(N))
        assert len(order.unique()) == SIZE
        assert selection.seen.sum() == SIZE * (epoch + 1)
        assert selection.seen.max() - selection.seen.min() <= 1
    assert (selection.seen == 3).all()


def test_then_those_are_of_the_highest_loss_when_they_were_last_seen() -> None:
    selection, losses = Selection(N, SIZE, from_epoch=4), torch.rand(N)
    for epoch in range(4):
        epoch_of(selection, epoch, losses)
    hardest = epoch_of(selection, 4, losses / 10)
    assert set(hardest.tolist()) == highest(losses)
    assert not torch.equal(hardest.sort().values, hardest)
    losses[hardest] /= 10
    assert set(epoch_of(selection, 5, losses).tolist()) == highest(losses)


def test_what_was_never_seen_or_has_no_finite_loss_comes_first() -> None:
    selection = Selection(N, SIZE, from_epoch=0)
    selection.note(torch.arange(80), torch.rand(80))
    selection.note(torch.arange(2), torch.tensor([torch.nan, torch.inf]))
    selection.choose(7, 0)
    assert {0, 1, *range(80, 100)} <= set(selection.order.tolist())


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    orders = {}
    for seed, epoch in ((7, 3), (7, 4), (8, 3), (7, 3)):
        selection = Selection(N, SIZE, 9)
        selection.choose(seed, epoch)
        before = orders.setdefault((seed, epoch), selection.order)
        assert torch.equal(before, selection.order)
    assert len({tuple(order.tolist()) for order in orders.values()}) == 3


def test_processes_that_share_what_they_noted_choose_as_one_does() -> None:
    alone, processes = Selection(N, SIZE, 2), [Selection(N, SIZE, 2) for _ in range(2)]
    for epoch in range(4):
        losses = torch.rand(N)
        order = epoch_of(alone, epoch, losses)
        for rank, process in enumerate(processes):
            process.choose(7, epoch)
            assert torch.equal(process.order, order)
            mine = order[rank::2]
            process.note(mine, losses[mine])
        sums = [sum(parts) for parts in zip(*map(given_to_add, processes), strict=True)]
        for process in processes:
            left = iter(sums)
            process.gather(lambda _, left=left: next(left))
            assert not list(left)
            assert torch.equal(process.losses, alone.losses)
            assert torch.equal(process.seen, alone.seen)


def test_a_state_restores_the_epoch_and_what_is_known() -> None:
    selection, other = Selection(N, SIZE, 1), Selection(N, SIZE, 1)
    epoch_of(selection, 0, torch.rand(N))
    other.load_state_dict(selection.state_dict())
    assert torch.equal(other.order, selection.order)
    for one in (selection, other):
        one.choose(7, 1)
    assert torch.equal(other.order, selection.order)
    assert torch.equal(other.seen, selection.seen)
