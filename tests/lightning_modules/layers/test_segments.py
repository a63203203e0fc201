"""Documents are cut into segments without loss, and training draws some of them."""

import torch

from lightning_modules.layers.segments import cut, some_segments

TOKENS = torch.tensor([[1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 0, 0, 0, 0], [3, 1, 4, 1, 5, 0, 0]])
LENGTHS = torch.tensor([7, 2, 5])


def test_the_segments_of_a_document_are_the_document() -> None:
    for size in (1, 2, 3, 7, 9):
        segments, lengths = cut(TOKENS, LENGTHS, size)
        assert segments.shape == (3, -(-7 // size), size)
        for row, whole in enumerate(TOKENS):
            pieces = [piece[:length] for piece, length in zip(segments[row], lengths[row].tolist(), strict=True)]
            assert torch.cat(pieces).equal(whole[: LENGTHS[row]]), (size, row)
            assert (lengths[row].diff() <= 0).all(), "what is there comes first, and all but the last is full"


def test_some_segments_are_drawn_each_once_and_empty_ones_last() -> None:
    torch.manual_seed(0)
    segments, lengths = cut(TOKENS, LENGTHS, 2)  # of 4, 1 and 3 segments
    seen = set()
    for _ in range(100):
        drawn, sizes = some_segments(segments, lengths, 0.5)
        assert drawn.shape == (3, 2, 2)
        for row in range(3):
            whole = {tuple(piece.tolist()) for piece, size in zip(segments[row], lengths[row], strict=True) if size}
            taken = [tuple(piece.tolist()) for piece, size in zip(drawn[row], sizes[row], strict=True) if size]
            assert len(set(taken)) == len(taken) == min(2, len(whole))
            assert set(taken) <= whole
        seen.add(tuple(drawn[0].flatten().tolist()))
    assert len(seen) == 12, "every pair of the first document's four segments, in either order"


def test_one_segment_stays_however_many_are_left_out() -> None:
    drawn, sizes = some_segments(*cut(TOKENS, LENGTHS, 4), 0.9)
    assert drawn.shape == (3, 1, 4)
    assert (sizes > 0).all()
