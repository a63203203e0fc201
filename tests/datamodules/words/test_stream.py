"""What is read of a text follows from seed, epoch and place, and windows stay where they belong."""

import pytest
import torch

from datamodules.text.documents import Documents
from datamodules.words.stream import WordLoader, WordStream, keeping_probabilities, within_documents
from tests.bits import assert_same_bits


def stream(n: int = 1000, keep: float = 0.5, lengths: tuple[int, ...] = (1, 300, 699)) -> WordStream:
    """Returns a text whose words are their own places."""
    starts = torch.tensor([0, *lengths]).cumsum(0)
    return WordStream(Documents(torch.arange(n, dtype=torch.int32), starts), torch.full((n,), keep))


def test_frequent_words_are_kept_as_rarely_as_the_paper_and_its_program_say() -> None:
    counts = torch.tensor([900, 99, 1])
    shares = counts.double() / 1000
    paper = (1e-2 / shares).sqrt().clamp(max=1)
    program = ((1e-2 / shares).sqrt() + 1e-2 / shares).clamp(max=1)
    torch.testing.assert_close(keeping_probabilities(counts, 1e-2, "paper").double(), paper, rtol=1e-6, atol=0)
    torch.testing.assert_close(keeping_probabilities(counts, 1e-2).double(), program, rtol=1e-6, atol=0)
    assert keeping_probabilities(counts, 0).tolist() == [1, 1, 1]
    text = WordStream(Documents(torch.empty(0), torch.zeros(1)), keeping_probabilities(counts, 1e-2))
    assert text.kept_share(counts) == pytest.approx(float((counts * program).sum() / 1000))


def test_a_window_stays_within_its_document_and_its_piece() -> None:
    places = torch.tensor([3, 5, 6, 10, 11, 12, 19])
    starts = torch.tensor([0, 6, 7, 11, 15, 20, 30])  # documents of which one is not there, and one is a single word
    left, right = within_documents(torch.full((7,), 2), places, starts)
    assert left.tolist() == [0, 1, 0, 0, 0, 1, 0]
    assert right.tolist() == [1, 0, 0, 0, 1, 0, 0]
    left, right = within_documents(torch.tensor([1, 3, 2]), torch.arange(3), torch.tensor([0, 30]))
    assert (left.tolist(), right.tolist()) == ([0, 1, 2], [1, 1, 0])


def test_an_epoch_reads_every_piece_once_in_an_order_of_its_own() -> None:
    loader = WordLoader(stream(keep=1.0), 5, 100, True, seed=7)
    orders = []
    for epoch in range(2):
        loader.set_epoch(epoch)
        orders.append([int(batch.words[0]) for batch in loader])
        assert sorted(orders[-1]) == list(range(0, 1000, 100))
    assert orders[0] != orders[1]
    straight = WordLoader(stream(keep=1.0), 5, 100, False, seed=7)
    assert [int(batch.words[0]) for batch in straight] == list(range(0, 1000, 100))


def test_epochs_leave_out_other_words_and_a_repeated_one_the_same() -> None:
    loader = WordLoader(stream(), 5, 1000, False, seed=7)
    (first,) = loader
    (again,) = loader
    loader.set_epoch(1)
    (other,) = loader
    assert_same_bits(first, again)
    assert first.words.tolist() != other.words.tolist()
    assert 400 < len(first.words) < 600
    assert set(torch.maximum(first.left, first.right).tolist()) == {0, 1, 2, 3, 4, 5}
    assert first.radius == 5


def test_reading_goes_on_at_a_batch() -> None:
    loader = WordLoader(stream(), 5, 100, True, seed=7)
    whole = list(loader)
    loader.position = 6
    rest = list(loader)
    assert [batch.words.tolist() for batch in rest] == [batch.words.tolist() for batch in whole[6:]]


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_the_words_of_a_piece(world_size: int) -> None:
    (whole,) = WordLoader(stream(), 5, 1000, True, seed=7)
    parts = [next(iter(WordLoader(stream(), 5, 1000, True, 7, rank, world_size))) for rank in range(world_size)]
    assert torch.cat([part.words for part in parts]).tolist() == whole.words.tolist()
    inner = slice(0, len(parts[0].words) - 5)  # their windows end where the share does
    assert torch.equal(parts[0].right[inner], whole.right[inner])


def test_a_text_is_thinned_once() -> None:
    thin = stream().thinned(torch.Generator().manual_seed(0))
    assert 400 < len(thin) < 600
    starts, tokens = thin.documents.starts.tolist(), thin.documents.tokens
    assert starts[-1] == len(tokens)
    for document, limit in enumerate((1, 301, 1000)):
        assert (tokens[starts[document] : starts[document + 1]] < limit).all()
    (batch,) = WordLoader(thin, 5, len(thin), True, seed=0)
    assert len(batch.words) == len(thin)
