"""Pictures on disk answer as the tensor of the same pictures would."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from datamodules.images.image_files import decode
from datamodules.images.streaming import PictureFiles, fits_in_memory
from tests.pictures import picture


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Seven pictures of several sizes."""
    return [picture(tmp_path / f"{n}.png", size=(9 + n, 14 - n), seed=n) for n in range(7)]


@pytest.mark.parametrize(
    "index",
    [torch.tensor([3, 0, 3]), torch.arange(7) % 2 == 0, slice(2), slice(-3, None), [5, 1], torch.tensor([]).long()],
    ids=["places", "mask", "first", "last", "list", "none"],
)
def test_any_index_gives_what_it_gives_of_a_tensor(paths: list[Path], index: Tensor | list[int] | slice) -> None:
    files, images = PictureFiles(paths, 8, 3, 0), decode(paths, 8, 3, resize=True)
    assert len(files) == len(images)
    assert torch.equal(files[index], images[index])
    assert torch.equal(files.take(index)[:], images[index])


def test_nothing_is_decoded_before_it_is_asked_for(paths: list[Path]) -> None:
    paths[2].write_bytes(b"broken")
    files = PictureFiles(paths, 8, 3, 0)
    assert len(files.take(torch.arange(5))) == 5
    assert files[torch.tensor([1, 3])].shape == (2, 8, 8, 3)
    with pytest.raises(InputError, match=r"2\.png: no picture"):
        files[:3]


def test_workers_can_be_given_them_however_they_are_started(paths: list[Path]) -> None:
    files = PictureFiles(paths, 8, 1, 2)
    assert torch.equal(pickle.loads(pickle.dumps(files))[:], files[:])


def test_each_process_has_pictures_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.images.streaming.available_memory", lambda: 2 * 10 * 16**2 * 3)
    assert fits_in_memory(10, 16, 3, processes=1)
    assert not fits_in_memory(10, 16, 3, processes=2)


def test_little_memory_is_assumed_where_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.images.streaming.available_memory", lambda: None)
    assert fits_in_memory(1000, 1000, 2, processes=1)
    assert not fits_in_memory(1000, 1000, 3, processes=1)
