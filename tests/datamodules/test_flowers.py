"""TensorFlow's archive of flowers is fetched if absent; runs of earlier releases go on with the same division."""

import hashlib
import tarfile
from pathlib import Path

import pytest
import torch

import datamodules.flowers
from core.errors import InputError
from core.files.download import RemoteFile
from datamodules import FlowersDataModule
from lightning_modules import VGG
from tests.pictures import numbered_pictures
from tests.servers import Files, refusing, serving
from tests.tiny import tiny_trainer

CLASSES = {"daisy": 20, "roses": 30, "tulips": 50}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hundred pictures, each of which shows its number, in three classes."""
    return numbered_pictures(tmp_path / "pictures", CLASSES)


def load(root: Path, **settings: object) -> FlowersDataModule:
    """Returns the pictures, divided."""
    data = FlowersDataModule(**{"data_dir": str(root), "image_size": 8, "batch_size": 10} | settings)
    data.load_once()
    return data


def test_a_test_of_another_split_is_refused(root: Path, tmp_path: Path) -> None:
    """It would have pictures that the network was trained on."""
    first = tiny_trainer(tmp_path, seed=1, max_epochs=1, logger=False)
    model = VGG(3, image_size=8, widths=[4], convolutions=[1])
    settings = {"data_dir": str(root), "image_size": 8, "split_seed": None}
    first.fit(model, FlowersDataModule(**settings))
    with pytest.raises(InputError, match=r"divided by seed 0, and the network was trained on those of seed 1; give"):
        tiny_trainer(tmp_path, logger=False).test(
            model, datamodule=FlowersDataModule(**settings), ckpt_path=first.run_folder.path
        )
    again = tiny_trainer(tmp_path, logger=False)
    again.test(model, datamodule=FlowersDataModule(**settings | {"split_seed": 1}), ckpt_path=first.run_folder.path)


def test_runs_of_earlier_releases_go_on(tmp_path: Path) -> None:
    """Data is known by the figures that they wrote; bitmaps have the same bytes whatever wrote them."""
    root = numbered_pictures(tmp_path / "pictures", CLASSES, "bmp")
    for settings, content in (
        ({}, "2d427fd1c7d096e5"),
        ({"split_seed": 1}, "df37413d2fac102c"),
        ({"fold": 2, "folds": 4}, "3dd7e2c27337cb4e"),
        ({"per_class": 3}, "37be5ccfed4b6145"),
    ):
        facts = load(root, **settings).facts()
        assert (facts["content"], facts["files"]) == (content, "c9cf2920b320f785")
    assert [path.name for path in root.glob("*.safetensors")] == ["pictures_8x3_decoded.cache.safetensors"]
    assert FlowersDataModule.name == "flowers"
    assert FlowersDataModule.__qualname__ == "FlowersDataModule"  # by which a checkpoint finds its state


@pytest.fixture
def archive(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """TensorFlow's archive in small, in a folder `site`."""
    (tmp_path / "site").mkdir()
    path = tmp_path / "site" / "flower_photos.tgz"
    with tarfile.open(path, "w:gz") as file:
        for name, other in zip(CLASSES, ("daisy", "dandelion", "roses"), strict=True):
            file.add(root / name, f"flower_photos/{other}")
        for other in ("sunflowers", "tulips"):
            file.add(root / "daisy", f"flower_photos/{other}")
    monkeypatch.setattr(datamodules.flowers, "ARCHIVE", _remote(path, "file://nowhere"))
    return path


def _remote(path: Path, url: str) -> RemoteFile:
    return RemoteFile(path.name, [url], hashlib.md5(path.read_bytes()).hexdigest())


def test_absent_flowers_are_downloaded(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Files, archive.parent) as address:
        monkeypatch.setattr(datamodules.flowers, "ARCHIVE", _remote(archive, address + archive.name))
        data = load(tmp_path / "new")
    assert f"downloading TensorFlow's flowers into {tmp_path / 'new'}, a new folder\n" in capsys.readouterr().out
    assert data.sizes == {"train": 112, "val": 14, "test": 14}
    assert data.class_names == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert (tmp_path / "new" / "flower_photos" / "daisy").is_dir()
    torch.testing.assert_close(data.splits["val"].images, load(tmp_path / "new").splits["val"].images)


def test_folders_without_pictures_are_named_before_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy that broke off leaves them."""
    for name in ("daisy", "roses", "thistles", "tulips"):
        (tmp_path / "new" / name).mkdir(parents=True)
    with refusing() as nobody:
        monkeypatch.setattr(datamodules.flowers, "ARCHIVE", RemoteFile("a.tgz", [nobody + "a.tgz"], "0" * 32))
        with pytest.raises(InputError, match=r"new: holds no pictures in daisy, roses, thistles, \.\.\., and the down"):
            load(tmp_path / "new")
    assert f"into {tmp_path / 'new'}, which holds no pictures in daisy, roses" in capsys.readouterr().out


def test_an_archive_that_leads_out_of_its_folder_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "pictures" / "daisy" / "0.png", "../escaped.png")
    with serving(Files, archive.parent) as address:
        monkeypatch.setattr(datamodules.flowers, "ARCHIVE", _remote(archive, address + archive.name))
        with pytest.raises(InputError, match="the download failed"):
            load(tmp_path / "new")
    assert not (tmp_path / "escaped.png").exists()
    assert not (tmp_path / "new").exists()
