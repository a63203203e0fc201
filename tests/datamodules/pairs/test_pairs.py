"""Batches of pairs hold about as many symbols each, with little padding, and follow from seed and epoch."""

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from datamodules.pairs.pairs import PairLoader, Pairs
from datamodules.text.documents import Documents

N = 600


def pairs(n: int = N) -> Pairs:
    """Returns pairs of random symbols, whose translations are about as long as their sentences."""
    rng = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, 25, (n,), generator=rng)
    others = (lengths + torch.randint(-2, 3, (n,), generator=rng)).clamp(min=1)
    sources, targets = (
        Documents.of([torch.randint(4, 50, (size,), generator=rng).tolist() for size in sizes.tolist()])
        for sizes in (lengths, others)
    )
    return Pairs(sources, targets, torch.zeros(n, dtype=torch.bool))


def epoch(loader: PairLoader, number: int = 0) -> list[Tensor]:
    """Returns the places of the pairs in each batch of an epoch."""
    loader.set_epoch(number)
    return [batch.index for batch in loader]


def test_batches_have_about_as_many_symbols_and_little_padding() -> None:
    split = pairs()
    loader = PairLoader(split, 64, batch_tokens=1000, seed=1)
    batches = list(loader)
    assert len(batches) == len(loader)
    real = torch.tensor([int(batch.source_lengths.sum() + batch.target_lengths.sum()) for batch in batches])
    assert real.max() <= 1000 + 54
    assert real.min() >= 0.8 * real.max()
    padded = sum(batch.sources.numel() + batch.targets.numel() for batch in batches)
    assert real.sum() > 0.9 * padded
    assert torch.cat([batch.index for batch in batches]).sort().values.tolist() == list(range(N))
    for batch in batches:
        assert batch.tokens == batch.target_lengths.sum()
        assert [len(row[row > 0]) for row in batch.targets] == batch.target_lengths.tolist()


@pytest.mark.parametrize("batch_tokens", [None, 1000])
def test_an_epoch_follows_from_seed_and_epoch_alone(batch_tokens: int | None) -> None:
    split = pairs()
    loader = PairLoader(split, 32, batch_tokens, seed=1, bucket=3)
    first, second = epoch(loader, 0), epoch(loader, 1)
    assert len(first) == len(second) == len(loader)
    assert not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    again = PairLoader(split, 32, batch_tokens, seed=1, bucket=3)
    again.position = 4
    for a, b in zip(epoch(again, 1), second[4:], strict=True):
        assert torch.equal(a, b)
    other = epoch(PairLoader(split, 32, batch_tokens, seed=2, bucket=3), 0)
    assert not torch.equal(other[0], first[0])


@pytest.mark.parametrize("batch_tokens", [None, 1000])
def test_processes_share_each_batch_and_divide_by_the_same_count(batch_tokens: int | None) -> None:
    split = pairs()
    whole = list(PairLoader(split, 32, batch_tokens, seed=1))
    parts = [list(PairLoader(split, 32, batch_tokens, seed=1, rank=rank, world_size=3)) for rank in range(3)]
    for batch, *shares in zip(whole, *parts, strict=True):
        together = torch.cat([share.index for share in shares])
        assert together.sort().values.equal(batch.index.sort().values)
        assert all(share.tokens == shares[0].tokens for share in shares)
        assert shares[0].tokens * 3 == pytest.approx(float(batch.target_lengths.sum()))


def test_evaluation_has_every_pair_once_and_in_order_on_request() -> None:
    split = pairs(50)
    assert torch.cat(epoch(PairLoader(split, 8))).tolist() == list(range(50))
    by_length = PairLoader(split, 8, batch_tokens=100, bucket=9, most=200)
    assert len(epoch(by_length)) == len(by_length)
    assert torch.cat(epoch(by_length)).sort().values.tolist() == list(range(50))


def test_a_batch_without_room_for_the_longest_pair_on_each_device_is_refused() -> None:
    with pytest.raises(InputError, match=r"data\.batch_tokens is 60: a pair has up to \d+ symbols, and each of 2"):
        PairLoader(pairs(), 8, batch_tokens=60, seed=1, world_size=2)
