"""Documents of any length come in batches that are a function of (seed, epoch), with as little padding as may be."""

from itertools import chain

import pytest
import torch

from datamodules.base.selection import Selection
from datamodules.text.documents import ClassifiedTexts, DocumentLoader, Documents, TextBatch, Texts

N = 37


def texts(documents: list[list[int]], targets: list[int]) -> ClassifiedTexts:
    return ClassifiedTexts(Documents.of(documents), torch.tensor(targets))


def documents(n: int = N) -> ClassifiedTexts:
    """Returns documents of 1 to 10 tokens, each filled with its own place, counted from 1."""
    lengths = [1 + (7 * place) % 10 for place in range(n)]
    return texts([[place + 1] * length for place, length in enumerate(lengths)], [p % 3 for p in range(n)])


def epoch(loader: DocumentLoader, number: int = 0) -> list[TextBatch]:
    """Returns the batches of an epoch."""
    loader.set_epoch(number)
    return list(loader)


def places(batches: list[TextBatch]) -> list[int]:
    """Returns the places of all documents."""
    return list(chain.from_iterable(batch.index.tolist() for batch in batches))


def test_a_batch_holds_whole_documents_and_zeros_behind_them() -> None:
    batch = texts([[5, 6, 7], [8], [9, 10]], [0, 1, 2]).batch(torch.tensor([2, 0]))
    assert batch.tokens.tolist() == [[9, 10, 0], [5, 6, 7]]
    assert batch.tokens.dtype == torch.int64
    assert batch.lengths.tolist() == [2, 3]
    assert batch.targets.tolist() == [2, 0]
    assert batch.index.tolist() == [2, 0]


def test_each_class_counts_its_documents_that_hold_a_symbol() -> None:
    counts = texts([[2, 2, 3], [3], [3, 2]], [0, 1, 1]).counts(5, 2)
    assert counts.tolist() == [[0, 0], [0, 0], [1, 1], [1, 2], [0, 0]]


@pytest.mark.parametrize("bucket", [1, 3])
def test_an_epoch_brings_every_document_once_but_for_the_dropped_tail(bucket: int) -> None:
    loader = DocumentLoader(documents(), 5, seed=0, bucket=bucket)
    batches = epoch(loader)
    assert [len(batch.index) for batch in batches] == [5] * 7 == [5] * len(loader)
    assert len(set(places(batches))) == 35
    for batch in batches:
        assert (batch.tokens.amax(1) == batch.index + 1).all()
        assert (batch.tokens.count_nonzero(1) == batch.lengths).all()


def test_buckets_save_padding_and_batches_still_come_in_any_order() -> None:
    def padding(bucket: int) -> int:
        return sum((b.tokens == 0).sum().item() for b in epoch(DocumentLoader(documents(400), 10, 0, bucket)))

    assert padding(10) < padding(1) / 3
    widths = [batch.tokens.shape[1] for batch in epoch(DocumentLoader(documents(400), 10, 0, 40))]
    assert widths not in (sorted(widths), sorted(widths, reverse=True))


@pytest.mark.parametrize("bucket", [1, 3])
def test_the_order_is_a_function_of_seed_and_epoch(bucket: int) -> None:
    def order(seed: int, number: int) -> list[int]:
        return places(epoch(DocumentLoader(documents(), 5, seed, bucket), number))

    assert order(0, 2) == order(0, 2)
    assert order(0, 2) != order(0, 3)
    assert order(0, 2) != order(1, 2)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_selection_says_which_documents_an_epoch_has(shuffle: bool) -> None:
    loader = DocumentLoader(documents(), 5, seed=0, bucket=2, shuffle=shuffle)
    loader.selection = Selection(N, 20, from_epoch=1)
    loader.selection.note(torch.arange(N), torch.arange(N).float())
    loader.selection.choose(0, epoch=1)
    found = places(epoch(loader, 1))
    assert len(loader) == 4
    assert sorted(found) == list(range(N - 20, N))
    assert (found == sorted(found)) != shuffle


@pytest.mark.parametrize("shuffle", [True, False])
def test_what_fills_no_batch_is_another_part_of_a_selection_in_every_epoch(shuffle: bool) -> None:
    loader = DocumentLoader(documents(), 10, seed=0, shuffle=shuffle)
    loader.selection = Selection(N, 18, from_epoch=4)
    for number in range(20):
        loader.selection.choose(0, number)
        for batch in epoch(loader, number):
            loader.selection.note(batch.index, torch.rand(len(batch.index)))
        loader.selection.gather(lambda values: values)
    assert loader.selection.seen.min() > 0


def test_documents_that_are_not_shuffled_come_in_their_own_order_in_every_epoch() -> None:
    for number in (0, 3):
        loader = DocumentLoader(documents(), 6, seed=1, bucket=3, shuffle=False)
        assert places(epoch(loader, number)) == list(range(N // 6 * 6))


def test_a_resumed_epoch_brings_the_rest_of_it() -> None:
    whole = epoch(DocumentLoader(documents(), 5, 0, 3), 4)
    loader = DocumentLoader(documents(), 5, 0, 3)
    loader.position = 3
    assert places(epoch(loader, 4)) == places(whole[3:])
    assert len(epoch(loader, 5)) == 7


def test_processes_share_each_batch_equally() -> None:
    whole = epoch(DocumentLoader(documents(), 6, 0, 3))
    shares = [epoch(DocumentLoader(documents(), 6, 0, 3, rank, 2)) for rank in range(2)]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert [len(part.index) for part in parts] == [3, 3]
        assert set(batch.index.tolist()) == set(places(parts))


@pytest.mark.parametrize("bucket", [1, 3])
def test_evaluation_meets_every_document_once_over_all_processes(bucket: int) -> None:
    shares = [DocumentLoader(documents(), 8, None, bucket, rank, 2) for rank in range(2)]
    assert [len(list(share)) for share in shares] == [len(share) for share in shares]
    assert sorted(places([*shares[0], *shares[1]])) == list(range(N))
    assert places(list(DocumentLoader(documents(), 8))) == list(range(N)), "in order unless they are sorted"


@pytest.mark.parametrize("world_size", [1, 2])
def test_batches_to_predict_have_a_bounded_number_of_tokens_and_keep_their_order(world_size: int) -> None:
    lengths = [1, 2, 50, 3, 1, 1, 1, 200, 1, 1]
    texts = Texts(Documents.of([[7] * length for length in lengths]))
    for rank in range(world_size):
        loader = DocumentLoader(texts, 5 * world_size, None, 1, rank, world_size, most=100)
        batches = list(loader)
        assert len(loader) == len(batches)
        assert torch.cat([batch.index for batch in batches]).tolist() == list(range(rank, len(lengths), world_size))
        assert all(batch.tokens.numel() <= 100 or len(batch.index) == 1 for batch in batches)
        assert len(list(DocumentLoader(texts, 5 * world_size, None, 1, rank, world_size))) < len(batches)


def test_the_width_of_a_batch_is_known_without_the_device_of_the_tokens() -> None:
    documents = Documents.of([[1, 2, 3], [4], [5, 6]]).to(torch.device("meta"))  # whose numbers cannot be read
    tokens, lengths = documents.gather(torch.tensor([2, 1]))
    assert tokens.shape == (2, 2)
    assert {tokens.device.type, lengths.device.type} == {"meta"}
    assert documents.lengths.tolist() == [3, 1, 2]
