"""A text is read in pieces, each symbol's target the next, and in an order that is a function of (seed, epoch)."""

import pytest
import torch

from datamodules.text.rows import CharacterBatch, RowLoader, Rows, WindowLoader

TEXT = torch.arange(250).byte()


def read(loader: RowLoader | WindowLoader, epoch: int = 0) -> list[CharacterBatch]:
    """Returns the batches of an epoch."""
    if isinstance(loader, WindowLoader):
        loader.set_epoch(epoch)
    return list(loader)


def test_rows_lie_one_after_the_other_and_each_predicts_the_first_symbol_of_the_next() -> None:
    rows = Rows.cut(TEXT, 4)
    assert rows.symbols.shape == (4, 63)
    assert len(rows) == 4 * 62
    assert rows.columns == 62
    assert rows.symbols[1, 0] == rows.symbols[0, -1] == 62
    assert len(Rows(rows.symbols[:, :0])) == 0


def test_a_text_shorter_than_its_rows_gives_nothing() -> None:
    assert len(Rows.cut(TEXT[:3], 4)) == 0


def test_all_of_a_row_is_read_in_order_and_the_first_piece_alone_is_fresh() -> None:
    loader = RowLoader(Rows.cut(TEXT, 4), 20, whole=False)
    batches = read(loader)
    assert len(loader) == len(batches) == 4
    assert [batch.fresh for batch in batches] == [True, False, False, False]
    assert torch.equal(torch.cat([batch.inputs for batch in batches], 1), Rows.cut(TEXT, 4).symbols[:, :-1].long())
    for batch in batches:
        assert torch.equal(batch.targets, batch.inputs + 1), "the text counts up"
    assert batches[-1].inputs.shape == (4, 2), "the last piece is what is left"


def test_training_reads_whole_pieces_alone() -> None:
    loader = RowLoader(Rows.cut(TEXT, 4), 20, whole=True)
    assert [batch.inputs.shape for batch in read(loader)] == [(4, 20)] * 3
    assert loader.batch_size == 80


def test_a_resumed_row_goes_on_where_it_was_and_is_not_fresh() -> None:
    whole = read(RowLoader(Rows.cut(TEXT, 4), 20, whole=True))
    loader = RowLoader(Rows.cut(TEXT, 4), 20, whole=True)
    loader.position = 2
    (rest,) = read(loader)
    assert torch.equal(rest.symbols, whole[2].symbols)
    assert not rest.fresh
    assert len(read(loader)) == 3, "the next epoch begins at the beginning"


@pytest.mark.parametrize("kind", ["rows", "windows"])
def test_processes_share_each_batch(kind: str) -> None:
    def make(rank: int, world_size: int) -> RowLoader | WindowLoader:
        if kind == "rows":
            return RowLoader(Rows.cut(TEXT, 4), 20, True, rank, world_size)
        return WindowLoader(TEXT, 10, 4, 0, rank, world_size)

    alone = read(make(0, 1))
    shares = [read(make(rank, 2)) for rank in range(2)]
    assert [len(share) for share in shares] == [len(alone)] * 2
    for whole, *parts in zip(alone, *shares, strict=True):
        assert torch.equal(whole.symbols, torch.cat([part.symbols for part in parts]))
    assert make(0, 2).batch_size == make(0, 1).batch_size, "counts what all processes read"


def test_windows_cover_the_text_once_an_epoch_from_a_place_of_their_own() -> None:
    loader = WindowLoader(TEXT, 10, 4, seed=0)
    starts = [[batch.inputs[:, 0] for batch in read(loader, epoch)] for epoch in range(5)]
    for epoch in starts:
        places = torch.cat(epoch).sort().values
        assert len(places) == 4 * len(loader) == 24
        assert (places.diff() >= 10).all()
        assert len(places.remainder(10).unique()) == 1
    assert len({int(epoch[0][0]) % 10 for epoch in starts}) > 1, "the first window's place differs"
    batch = read(loader)[0]
    assert torch.equal(batch.targets, batch.inputs + 1)
    assert batch.fresh


def test_windows_are_a_function_of_seed_and_epoch() -> None:
    def symbols(seed: int, epoch: int, position: int = 0) -> torch.Tensor:
        loader = WindowLoader(TEXT, 10, 4, seed)
        loader.position = position
        return torch.cat([batch.symbols for batch in read(loader, epoch)])

    assert torch.equal(symbols(0, 3), symbols(0, 3))
    assert not torch.equal(symbols(0, 3), symbols(0, 4))
    assert not torch.equal(symbols(0, 3), symbols(1, 3))
    assert torch.equal(symbols(0, 3, position=2), symbols(0, 3)[8:])
