"""Checkpoints are described, and data of any package as far as they can be known."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset

from callbacks.description import (
    data_facts,
    describe_checkpoint,
    describe_data,
    name_of_data,
    samples_per_batch,
    sizes_of,
)
from tests.plain import PlainData, Stream
from tests.tiny import TinyDataModule

SAMPLES = TensorDataset(torch.zeros(10, 1))


def trainer(data: LightningDataModule | None = None, train: object = None, world_size: int = 1) -> SimpleNamespace:
    """Returns what is asked of a trainer."""
    return SimpleNamespace(
        datamodule=data, train_dataloader=train, val_dataloaders=None, test_dataloaders=None, world_size=world_size
    )


def test_real_data_are_named_with_their_place() -> None:
    data = TinyDataModule()
    data.setup("fit")
    data.source, data.origin = "auto", "/data/tiny"
    assert name_of_data(data) == "tiny pictures"
    assert describe_data(data) == "tiny pictures from /data/tiny: 240 training, 40 validation, 50 test images"
    data.origin = "tiny pictures"  # such as a file, whose name both are
    assert describe_data(data) == "tiny pictures: 240 training, 40 validation, 50 test images"


def test_data_of_another_package_are_named_by_their_class() -> None:
    data = PlainData()
    assert name_of_data(data) == "PlainData"
    assert describe_data(data) == "PlainData from tests.plain"
    assert describe_data(data, {"train": 4000, "val": 16}) == (
        "PlainData from tests.plain: 4,000 training, 16 validation samples"
    )
    run = trainer(data, data.train_dataloader())
    assert data_facts(run) == {"name": "PlainData", "source": "tests.plain", "sizes": {"train": 40}}


@pytest.mark.parametrize(
    ("loaders", "sizes"),
    [
        ({"a": DataLoader(SAMPLES), "b": [DataLoader(SAMPLES)]}, {"train": 20}),
        ([DataLoader(SAMPLES), DataLoader(Stream(SAMPLES))], {}),
        (iter([1, 2]), {}),
        ([], {}),
    ],
    ids=["several", "a stream among them", "no loader", "none"],
)
def test_sizes_are_those_of_all_loaders_of_a_part_where_all_have_one(loaders: object, sizes: dict[str, int]) -> None:
    assert sizes_of(trainer(PlainData(), loaders)) == sizes


@pytest.mark.parametrize(
    ("loader", "size"),
    [
        (DataLoader(SAMPLES, batch_size=4), 8),
        (DataLoader(SAMPLES, batch_sampler=BatchSampler(SequentialSampler(SAMPLES), 3, True)), 6),
        (DataLoader(SAMPLES, batch_sampler=[[0, 1], [2]]), None),
        (DataLoader(SAMPLES, batch_size=None), None),
        ([DataLoader(SAMPLES)], None),
    ],
)
def test_a_batch_is_counted_over_all_processes_where_its_size_is_known(loader: object, size: int | None) -> None:
    assert samples_per_batch(trainer(train=loader, world_size=2)) == size


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "w.ckpt"),
        ({"epoch": 0}, "w.ckpt, of epoch 0"),
        ({"epoch": 3, "current_model_state": {}}, "w.ckpt, of epoch 3, averaged"),
    ],
)
def test_a_checkpoint_is_described_by_its_epoch_and_whether_it_is_an_average(content: dict, said: str) -> None:
    assert describe_checkpoint(Path("runs/w.ckpt"), content) == said
