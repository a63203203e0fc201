"""Tunes are strung together to train on, and read by themselves to be measured."""

from itertools import pairwise

import pytest
import torch

from datamodules.tunes.loader import TuneRows, Tunes, WholeTunes

END = 0


def make(n: int = 6, keys: int = 2) -> Tunes:
    """Returns tunes of different lengths, each of one symbol that tells it; other keys are negative."""
    tunes = [
        [torch.tensor([END, *[(place + 1) * (1 if key == 0 else -1)] * (3 + place), END]) for key in range(keys)]
        for place in range(n)
    ]
    return Tunes(tunes, [[1.0] * keys] * n, [2 * (4 + place) for place in range(n)], [1] * n)


def test_sizes_count_what_is_predicted() -> None:
    tunes = make()
    assert len(tunes) == sum(4 + place for place in range(6))
    assert tunes.tune(2).tolist() == [0, 3, 3, 3, 3, 3, 0]
    assert tunes.tune(2, 1).tolist() == [0, -3, -3, -3, -3, -3, 0]
    assert len(Tunes([], [], [], [])) == 0


def rows(loader: TuneRows, epoch: int = 0, position: int = 0) -> list[torch.Tensor]:
    """Returns the symbols of an epoch's batches."""
    loader.set_epoch(epoch)
    loader.position = position
    return [batch.symbols for batch in loader]


def test_an_epoch_has_every_tune_once_in_an_order_and_keys_of_its_own() -> None:
    loader = TuneRows(make(), rows=1, steps=3, seed=0)
    text = torch.cat([piece[0, :-1] for piece in rows(loader)]).tolist()
    assert text[0] == END
    kinds = [abs(symbol) for place, symbol in enumerate(text) if symbol and text[place - 1] == END]
    assert len(kinds) == len(set(kinds)) >= 5
    assert any(symbol < 0 for symbol in text)
    assert any(symbol > 0 for symbol in text)
    again, other = TuneRows(make(), 1, 3, seed=0), TuneRows(make(), 1, 3, seed=1)
    assert torch.equal(torch.stack(rows(again)), torch.stack(rows(loader)))
    assert not torch.equal(torch.stack(rows(other)), torch.stack(rows(loader)))
    assert not torch.equal(torch.stack(rows(loader, 1)), torch.stack(rows(loader)))


def test_pieces_continue_each_other_and_a_resumed_epoch_has_the_rest() -> None:
    loader = TuneRows(make(40), rows=4, steps=5, seed=0)
    batches = rows(loader)
    assert len(batches) == len(loader)
    for before, after in pairwise(batches):
        assert torch.equal(before[:, -1], after[:, 0])
    rest = rows(TuneRows(make(40), rows=4, steps=5, seed=0), position=3)
    assert torch.equal(torch.stack(rest), torch.stack(batches[3:]))
    assert [batch.fresh for batch in loader] == [True] + [False] * (len(loader) - 1)


def test_processes_share_the_rows() -> None:
    whole = rows(TuneRows(make(40), 4, 5, seed=0))
    parts = [rows(TuneRows(make(40), 4, 5, seed=0, rank=rank, world_size=2)) for rank in range(2)]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert torch.equal(batch, torch.cat(shares))


def test_keys_that_are_not_wanted_are_not_drawn() -> None:
    tunes = make()
    tunes.weights[:, 0] = 0
    text = torch.cat(rows(TuneRows(tunes, 1, 3, seed=0)), 1)
    assert (text <= 0).all()


@pytest.mark.parametrize("world_size", [1, 2])
def test_each_tune_is_measured_once_whatever_stands_beside_it(world_size: int) -> None:
    tunes, seen, characters = make(), [], 0
    for rank in range(world_size):
        loader = WholeTunes(tunes, 4, rank, world_size)
        batches = list(loader)
        assert len(batches) == len(loader)
        for batch in batches:
            assert batch.fresh
            characters += batch.characters
            for inputs, targets, length in zip(batch.inputs, batch.targets, batch.lengths, strict=True):
                assert (targets[length:] == -100).all()
                seen.append([*inputs[:1].tolist(), *targets[:length].tolist()])
    assert sorted(seen) == sorted(tunes.tune(place).tolist() for place in range(6))
    assert characters == int(tunes.characters.sum())


def test_losses_are_reported_by_character() -> None:
    batch = next(iter(WholeTunes(make(2), 2)))
    loss, characters = batch.reported(torch.tensor(3.0))
    assert characters == 18
    assert loss * characters == pytest.approx(3.0 * 9), "nats a symbol, of nine symbols"
