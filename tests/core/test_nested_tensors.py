"""Batches of any kind are searched for numbers that are not finite, and saved without pickle."""

from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from core.nested_tensors import first_samples, is_finite, map_tensors, plain_copy, tensors_of
from datamodules.foreign_batches import ImagePair
from datamodules.words.batches import WordBatch

Named = namedtuple("Named", "images targets")
GOOD, BAD, WHOLE = torch.ones(2), torch.tensor([1.0, torch.nan]), torch.tensor([1, 2])


@dataclass(slots=True)
class Slots:
    """A batch without a dictionary of attributes."""

    numbers: torch.Tensor
    name: str = "slots"


class Custom:
    """A batch of a class of its own, which refers to itself."""

    def __init__(self, numbers: torch.Tensor) -> None:
        self.numbers = numbers
        self.path = Path("somewhere")
        self.this = self


class Tree:
    """A node of a binary tree, which refers to the nodes around it."""

    def __init__(self, levels: int, parent: "Tree | None" = None) -> None:
        self.numbers = torch.full((1,), float(levels))
        self.parent = parent
        self.below = [Tree(levels - 1, self) for _ in range(2)] if levels > 1 else []


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: (WHOLE, t), lambda t: [{"a": [t]}], Slots, Custom])
def test_a_number_that_is_not_finite_is_found(wrap: Any) -> None:
    assert is_finite(wrap(GOOD))
    assert not is_finite(wrap(BAD))
    assert any(tensor is BAD for tensor in tensors_of(wrap(BAD)))


def test_numbers_that_cannot_be_infinite_are_finite() -> None:
    assert is_finite([WHOLE, "text", None, 3, torch.tensor([True])])


def test_a_copy_can_be_read_without_pickle(tmp_path: Path) -> None:
    batch = [Named(GOOD, WHOLE), (1, "a"), {"x": Slots(BAD), Path("p"): None}, Custom(GOOD), {}, set()]
    torch.save(plain_copy(batch), tmp_path / "batch.pt")
    images, pair, mapping, custom, *_ = torch.load(tmp_path / "batch.pt", weights_only=True)
    assert torch.equal(images["images"], GOOD)
    assert torch.equal(images["targets"], WHOLE)
    assert pair == (1, "a")
    assert torch.isnan(mapping["x"]["numbers"][1])
    assert mapping["x"]["name"] == "slots"
    assert custom["path"] == "somewhere"


def test_what_refers_to_itself_is_gone_through_once(tmp_path: Path) -> None:
    tree = Tree(7)
    levels = sorted(tensor.item() for tensor in tensors_of(tree))
    assert levels == sorted(7.0 - depth for depth in range(7) for _ in range(2**depth))
    torch.save(plain_copy(tree), tmp_path / "batch.pt")
    copy = torch.load(tmp_path / "batch.pt", weights_only=True)
    assert copy["below"][1]["below"][0]["numbers"].item() == 5
    assert copy["below"][0]["parent"] is copy
    around: list[Any] = []
    around.append((GOOD, around))
    assert [tensor is GOOD for tensor in tensors_of(around)] == [True]
    copied = plain_copy(around)
    assert copied[0][1] is copied


class Generated(Mapping):
    """A mapping whose values are made when they are asked for, and gone afterwards."""

    def __getitem__(self, key: str) -> Any:
        return {"number": [torch.tensor(float(key))]}

    def __iter__(self) -> Iterator[str]:
        return iter(map(str, range(50)))

    def __len__(self) -> int:
        return 50


def test_values_that_are_made_when_asked_for_are_told_apart() -> None:
    batch = [Generated(), Generated()]
    assert [tensor.item() for tensor in tensors_of(batch)] == [*range(50)] * 2
    assert [one["number"][0].item() for half in plain_copy(batch) for one in half.values()] == [*range(50)] * 2


def test_a_view_is_saved_without_what_surrounds_it(tmp_path: Path) -> None:
    torch.save(plain_copy(torch.zeros(1_000_000)[:2]), tmp_path / "batch.pt")
    assert (tmp_path / "batch.pt").stat().st_size < 10_000


def test_the_first_samples_are_copies_of_the_rows_and_the_rest_stays() -> None:
    images, total = torch.randn(4, 3, 2), torch.tensor(9.0)
    batch = Named(images, {"rows": torch.arange(4), "other": torch.arange(3), "total": total, "text": "all"})
    first = first_samples(batch, 2)
    assert isinstance(first, Named)
    assert torch.equal(first.images, images[:2])
    assert first.images.untyped_storage().nbytes() == 2 * 3 * 2 * 4
    assert first.targets["rows"].tolist() == [0, 1]
    assert first.targets["other"].tolist() == [0, 1, 2]
    assert (first.targets["total"], first.targets["text"]) == (total, "all")
    assert first_samples([images, torch.arange(4)], 3)[1].tolist() == [0, 1, 2]
    assert first_samples(ImagePair((images, torch.arange(4))), 1).targets.tolist() == [0]
    assert len(first_samples(images, 9)) == 4


def test_each_tensor_is_changed_and_the_rest_stays() -> None:
    value = Named(torch.tensor(1), {"pair": (torch.tensor(2), None), "list": [torch.tensor(3), "text"]})
    doubled = map_tensors(lambda tensor: 2 * tensor, value)
    assert doubled == Named(2, {"pair": (4, None), "list": [6, "text"]})
    assert isinstance(doubled, Named)
    assert map_tensors(torch.Tensor.detach, None) is None


def test_the_first_words_have_no_context_behind_them() -> None:
    reach = torch.tensor([2, 2, 2, 1, 0])
    first = first_samples(WordBatch.of(torch.arange(5), reach.flip(0), reach), 3)
    assert [part.tolist() for part in first[:3]] == [[0, 1, 2], [0, 1, 2], [2, 1, 0]]
    assert first.radius == 2
