"""What one data module has loaded, others with the same arguments take over whole."""

import inspect
from collections.abc import Callable

import pytest
import torch

import datamodules
from datamodules import CharCorpusDataModule, captions
from datamodules.base import shared_data
from tests.bits import assert_same_bits
from tests.tiny import TinyDataModule

WITH_VOCABULARY = [
    name for name in datamodules.__all__ if "vocabulary" in inspect.signature(getattr(datamodules, name)).parameters
]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Begins without any shared data; lists what is loaded from its source."""
    found: list[str] = []
    load: Callable = TinyDataModule.load

    def count(self: TinyDataModule) -> object:
        found.append(type(self).__name__)
        return load(self)

    monkeypatch.setattr(shared_data, "_loaded", {})
    monkeypatch.setattr(TinyDataModule, "load", count)
    return found


class Other(TinyDataModule):
    """Another class with the same arguments."""


def test_data_of_the_same_arguments_is_loaded_once(loads: list[str]) -> None:
    TinyDataModule(batch_size=20).load_for_all()
    alike = [TinyDataModule(batch_size=20), TinyDataModule(20, eval_batch_size=8)]
    for data in alike:
        data.load_once()
    assert loads == ["TinyDataModule"]
    assert alike[0].sizes == {"train": 240, "val": 40, "test": 50}
    assert alike[0]._digest is not None
    assert alike[1].eval_batch_size == 8


def test_batches_of_evaluation_count_where_data_is_cut_by_them(loads: list[str]) -> None:
    def corpus(rows: int) -> CharCorpusDataModule:
        return CharCorpusDataModule(source="synthetic", batch_size=4, steps=10, eval_batch_size=rows)

    corpus(2).load_for_all()
    for rows in (2, 7):
        data = corpus(rows)
        data.load_once()
        assert len(data.splits["val"].symbols) == rows


def test_it_is_what_loading_gives(loads: list[str]) -> None:
    alone = TinyDataModule()
    alone.load_once()
    TinyDataModule().load_for_all()
    shared = TinyDataModule()
    shared.load_once()
    assert len(loads) == 2
    assert vars(shared).keys() == vars(alone).keys()
    assert_same_bits(shared.images_of("train", torch.arange(240)), alone.images_of("train", torch.arange(240)))
    assert shared.facts() == alone.facts()


def test_other_arguments_and_classes_load_for_themselves(loads: list[str]) -> None:
    TinyDataModule().load_for_all()
    for data in (TinyDataModule(val_size=20), TinyDataModule(batch_size=10), Other()):
        data.load_once()
    assert loads == ["TinyDataModule", "TinyDataModule", "TinyDataModule", "Other"]


def state_of(value: object) -> object:
    """Returns what a value consists of, in dicts and lists, as far as it can be compared."""
    if isinstance(value, dict):
        return {key: state_of(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [state_of(one) for one in value]
    if isinstance(value, torch.Tensor | type) or not hasattr(value, "__dict__"):
        return value if type(value).__eq__ is not object.__eq__ else type(value)
    return {"class": type(value)} | state_of(vars(value))


@pytest.mark.parametrize("name", WITH_VOCABULARY)
def test_what_is_taken_over_has_the_vocabulary_and_all_else_that_loading_sets(
    name: str, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captions, "SYNTHETIC", {"train": 60, "val": 10, "test": 10})
    kind = getattr(datamodules, name)
    small = {"image_size": 8} if "image_size" in inspect.signature(kind).parameters else {}
    alone, first, shared = (kind(source="synthetic", **small) for _ in range(3))
    alone.load_once()
    first.load_for_all()
    monkeypatch.setattr(kind, "load", lambda self: pytest.fail("loaded once more"))
    shared.load_once()
    assert len(shared.symbols) > 10
    assert shared.symbols == alone.symbols
    assert shared.vocabulary_content() == alone.vocabulary_content()
    assert shared.vocab_size == alone.vocab_size
    assert shared.facts() == alone.facts()
    assert_same_bits(state_of(vars(shared)), state_of(vars(alone)), name)
