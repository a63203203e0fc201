"""Tunes are strung together to train on, and read by themselves to be measured."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch

from datamodules.batches import TuneBatch
from datamodules.tunes.keys import transposed
from datamodules.tunes.loader import TuneRows, Tunes, WholeTunes
from datamodules.tunes.marks import SIZES, marks_after
from datamodules.tunes.notation import Tune
from datamodules.tunes.spelling import Spelling
from datamodules.tunes.symbols import Symbols, vocabulary_of

END = 0
NOTES = [letter + "," * octave for octave in range(6) for letter in "CDEFGAB"]  # one for each tune
SHIFTS = [0, 1]  # its own key, and a fifth up


def make(n: int = 6, marked: bool = False, kind: Symbols = "tokens") -> Tunes:
    """Returns tunes of different lengths, each of one note that tells it, in two keys."""
    tunes = [
        Tune("4/4", Fraction(1, 8), "C", ("|", *[NOTES[place], "3/2"] * place, NOTES[place])) for place in range(n)
    ]
    tokens = {token for tune in tunes for token in tune.tokens}
    tokens |= set(transposed(tuple(tokens), 1))
    spelling = Spelling(tokens, SHIFTS, vocabulary_of(tokens, tokens if kind == "tokens" else ()), kind)
    return Tunes(tunes, [2 * (6 + 2 * place) for place in range(n)], spelling, torch.ones(n, 2), marked)


def batches(loader: TuneRows, epoch: int = 0, position: int = 0) -> list[TuneBatch]:
    """Returns an epoch's batches."""
    loader.set_epoch(epoch)
    loader.position = position
    return list(loader)


def rows(loader: TuneRows, epoch: int = 0, position: int = 0) -> list[torch.Tensor]:
    """Returns the symbols of an epoch's batches."""
    return [batch.symbols for batch in batches(loader, epoch, position)]


def test_sizes_count_what_is_predicted() -> None:
    tunes = make()
    assert len(tunes) == sum(6 + 2 * place for place in range(6))
    own, other = tunes.tune(2), tunes.tune(2, 1)
    assert own[0] == own[-1] == other[0] == other[-1] == END
    assert len(own) == len(other) == 3 + 1 + 5 + 2
    assert (own != other).sum() == 4, "the key, and three notes"
    assert tunes.notes.tolist() == [1, 2, 3, 4, 5, 6]
    assert len(Tunes([], [], tunes.spelling)) == 0


def test_an_epoch_has_every_tune_once_in_an_order_and_keys_of_its_own() -> None:
    loader = TuneRows(make(), rows=1, steps=3, seed=0)
    text = torch.cat([piece[0, :-1] for piece in rows(loader)]).tolist()
    found = []
    for place in range(6):
        for key in (0, 1):
            tune = loader.tunes.tune(place, key).tolist()
            found += [key for start in range(len(text)) if text[start : start + len(tune)] == tune]
    assert len(found) >= 5, "all but what no step holds"
    assert set(found) == {0, 1}
    again, other = TuneRows(make(), 1, 3, seed=0), TuneRows(make(), 1, 3, seed=1)
    assert torch.equal(torch.stack(rows(again)), torch.stack(rows(loader)))
    assert not torch.equal(torch.stack(rows(other)), torch.stack(rows(loader)))
    assert not torch.equal(torch.stack(rows(loader, 1)), torch.stack(rows(loader)))


def test_pieces_continue_each_other_and_a_resumed_epoch_has_the_rest() -> None:
    loader = TuneRows(make(40), rows=4, steps=5, seed=0)
    pieces = rows(loader)
    assert len(pieces) == len(loader)
    for before, after in pairwise(pieces):
        assert torch.equal(before[:, -1], after[:, 0])
    rest = rows(TuneRows(make(40), rows=4, steps=5, seed=0), position=3)
    assert torch.equal(torch.stack(rest), torch.stack(pieces[3:]))
    assert [batch.fresh for batch in loader] == [True] + [False] * (len(loader) - 1)


def test_processes_share_the_rows_and_their_marks() -> None:
    whole = batches(TuneRows(make(40, marked=True), 4, 5, seed=0))
    parts = [batches(TuneRows(make(40, marked=True), 4, 5, seed=0, rank=rank, world_size=2)) for rank in range(2)]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert torch.equal(batch.symbols, torch.cat([share.symbols for share in shares]))
        assert torch.equal(batch.marks, torch.cat([share.marks for share in shares]))


def test_keys_that_are_not_wanted_are_not_drawn() -> None:
    tunes = make()
    tunes.weights[:, 0] = 0
    key = tunes.tune(0, 0)[3]
    text = torch.cat(rows(TuneRows(tunes, 1, 3, seed=0)), 1)
    assert (text != key).all()


def test_every_symbol_has_the_marks_of_the_tune_after_it() -> None:
    tunes = make(marked=True)
    before, *after = marks_after([*transposed(("M:4/4\n", "L:1/8\n", "K:C\n", "|", "D", "3/2", "D"), 1)])
    _, marks = tunes.strung([1, 0], [1, 0])
    assert marks[: len(after) + 2].tolist() == [list(mark) for mark in (before, *after, before)]
    assert marks[len(after) + 2].tolist() == list(after[0]), "the next tune begins afresh"
    assert (marks < torch.tensor(SIZES)).all()


def test_a_character_has_the_marks_of_the_tokens_that_are_complete() -> None:
    tunes = make(marked=True, kind="characters")
    _, *after = marks_after(["M:4/4\n", "L:1/8\n", "K:C\n", "|", "D", "3/2", "D"])
    symbols, marks = tunes.strung([1], [0])
    assert len(symbols) == len("M:4/4\nL:1/8\nK:C\n|D3/2D") + 2
    key, bar, note = (list(after[place]) for place in (2, 3, 4))
    # the line break, the bar line and the note, which might go on, the duration, which might, and the last note
    assert marks[-8:-2].tolist() == [key, key, bar, note, note, note]
    assert marks[-2].tolist() == list(after[5])


@pytest.mark.parametrize("world_size", [1, 2])
def test_each_tune_is_measured_once_whatever_stands_beside_it(world_size: int) -> None:
    tunes, seen, characters = make(marked=True), [], 0
    for rank in range(world_size):
        loader = WholeTunes(tunes, 4, rank, world_size)
        found = list(loader)
        assert len(found) == len(loader)
        for batch in found:
            assert batch.fresh
            assert batch.marks.shape == (*batch.inputs.shape, len(SIZES))
            characters += batch.characters
            for inputs, targets, length in zip(batch.inputs, batch.targets, batch.lengths, strict=True):
                assert (targets[length:] == -100).all()
                seen.append([*inputs[:1].tolist(), *targets[:length].tolist()])
    assert sorted(seen) == sorted(tunes.tune(place).tolist() for place in range(6))
    assert characters == int(tunes.characters.sum())


def test_losses_are_reported_by_character() -> None:
    batch = next(iter(WholeTunes(make(2), 2)))
    loss, characters = batch.reported(torch.tensor(3.0))
    assert characters == 28
    assert loss * characters == pytest.approx(3.0 * 14), "nats a symbol, of fourteen symbols"
    assert batch.marks is None
