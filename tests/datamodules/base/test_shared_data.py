"""What one data module has loaded, others with the same arguments take over whole."""

from collections.abc import Callable

import pytest
import torch

from datamodules import CharCorpusDataModule
from datamodules.base import shared_data
from tests.bits import assert_same_bits
from tests.tiny import TinyDataModule


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
