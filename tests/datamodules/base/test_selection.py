"""Which samples an epoch has."""

import torch

from datamodules.base.selection import Selection

N, SIZE = 100, 30


def epoch_of(selection: Selection, epoch: int, losses: torch.Tensor) -> torch.Tensor:
    """Makes an epoch; returns its samples."""
    selection.choose(7, epoch)
    selection.note(selection.order, losses[selection.order])
    return selection.order


def test_at_first_all_samples_are_seen_equally_often_and_never_twice_in_an_epoch() -> None:
    selection = Selection(N, SIZE, from_epoch=99)
    for epoch in range(10):
        order = epoch_of(selection, epoch, torch.rand(N))
        assert len(order.unique()) == SIZE
        assert selection.seen.sum() == SIZE * (epoch + 1)
        assert selection.seen.max() - selection.seen.min() <= 1
    assert (selection.seen == 3).all()


def test_then_those_of_the_highest_loss_are_when_they_were_last_seen() -> None:
    selection, losses = Selection(N, SIZE, from_epoch=4), torch.rand(N)
    for epoch in range(4):
        epoch_of(selection, epoch, losses)
    hardest = epoch_of(selection, 4, losses / 10)
    assert set(hardest.tolist()) == set(losses.argsort(descending=True)[:SIZE].tolist())
    assert not torch.equal(hardest.sort().values, hardest)
    rest = losses.clone()
    rest[hardest] /= 10
    following = epoch_of(selection, 5, losses)
    assert set(following.tolist()) == set(rest.argsort(descending=True)[:SIZE].tolist())


def test_what_was_never_seen_or_has_no_finite_loss_comes_first() -> None:
    selection, losses = Selection(N, SIZE, from_epoch=1), torch.rand(N)
    first = epoch_of(selection, 0, losses)
    selection.note(first[:2], torch.tensor([torch.nan, torch.inf]))
    selection.note(torch.arange(N)[torch.isinf(selection.losses)][: N - SIZE - 5], torch.zeros(N - SIZE - 5))
    selection.losses[first[:2]] = torch.inf
    selection.choose(7, 1)
    assert set(selection.losses.isinf().nonzero().flatten().tolist()) <= set(selection.order.tolist())


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    one, same, other = (Selection(N, SIZE, 9) for _ in range(3))
    one.choose(7, 3)
    same.choose(7, 3)
    assert torch.equal(one.order, same.order)
    other.choose(7, 4)
    assert not torch.equal(one.order, other.order)
    other.choose(8, 3)
    assert not torch.equal(one.order, other.order)


def test_processes_that_share_what_they_noted_choose_as_one_does() -> None:
    alone, processes = Selection(N, SIZE, 2), [Selection(N, SIZE, 2) for _ in range(2)]
    for epoch in range(4):
        losses = torch.rand(N)
        order = epoch_of(alone, epoch, losses)
        for rank, process in enumerate(processes):
            process.choose(7, epoch)
            assert torch.equal(process.order, order)
            process.note(order[rank::2], losses[order[rank::2]])
        sent: list[list[torch.Tensor]] = [[], []]
        for process, calls in zip(processes, sent, strict=True):
            state = process.losses, process.seen, process._fresh.clone()
            process.share(lambda values, calls=calls: calls.append(values) or values)
            process.losses, process.seen, process._fresh = state[0], state[1] - 0, state[2]
        sums = [first + second for first, second in zip(*sent, strict=True)]
        for process in processes:
            answers = iter(sums)
            process.share(lambda _, answers=answers: next(answers))
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
