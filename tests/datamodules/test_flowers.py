"""Pictures in one folder a class are divided file by file; TensorFlow's archive of flowers is fetched if absent."""

import hashlib
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import Trainer

import datamodules.flowers
from core.download import RemoteFile
from core.errors import InputError
from datamodules import FlowersDataModule
from datamodules.base import shared_data
from lightning_modules import VGG
from tests.pictures import picture
from tests.servers import Files, refusing, serving
from tests.stages import prepared
from tests.tiny import tiny_trainer

CLASSES = {"daisy": 20, "roses": 30, "tulips": 50}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hundred pictures, each of which shows its number, in three classes."""
    number = 0
    for name, n in CLASSES.items():
        for _ in range(n):
            path = tmp_path / "pictures" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((10, 12, 3), number, np.uint8)).save(path)
            number += 1
    return tmp_path / "pictures"


def load(root: Path, **settings: object) -> FlowersDataModule:
    """Returns the pictures, divided."""
    data = FlowersDataModule(**{"data_dir": str(root), "image_size": 8, "batch_size": 10} | settings)
    data.load_once()
    return data


def numbers(data: FlowersDataModule, part: str) -> list[int]:
    """Returns which pictures a part has."""
    return data.splits[part].images[:, 0, 0, 0].tolist()


def test_a_folder_of_classes_is_divided_in_proportion(root: Path) -> None:
    data = load(root)
    assert data.class_names == tuple(CLASSES)
    assert data.sizes == {"train": 80, "val": 10, "test": 10}
    assert sorted(sum((numbers(data, part) for part in data.splits), [])) == list(range(100))
    for part, per_class in (("train", [16, 24, 40]), ("val", [2, 3, 5]), ("test", [2, 3, 5])):
        split = data.splits[part]
        assert split.targets.bincount().tolist() == per_class
        expected = [sum(number >= edge for edge in (20, 50)) for number in numbers(data, part)]
        assert split.targets.tolist() == expected


def test_without_test_pictures_it_is_said_what_makes_them_some(root: Path) -> None:
    reason = "no test pictures; data.test_size sets some aside; validate measures the validation split$"
    with pytest.raises(InputError, match=reason):
        load(root, test_size=0).setup("test")
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*"))
    (root / "train.txt").write_text("\n".join(names))
    with pytest.raises(InputError, match=r"no test pictures; .*pictures/test\.txt names them$"):
        load(root, lists=str(root)).setup("test")


def test_a_split_is_the_seeds(root: Path) -> None:
    tests = {seed: numbers(load(root, split_seed=seed), "test") for seed in (0, 1)}
    assert tests[0] == numbers(load(root), "test") != tests[1]
    assert len(list(root.glob("*.cache.safetensors"))) == 1  # decoded once for all


def test_a_run_may_have_the_split_of_its_seed(root: Path, trainer: Trainer) -> None:
    trainer.seed = 1
    data = FlowersDataModule(str(root), image_size=8, split_seed=None)
    prepared(data, "fit", trainer)
    assert numbers(data, "test") == numbers(load(root, split_seed=1), "test")


def test_what_the_seed_of_a_run_divides_is_not_loaded_for_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_data, "_loaded", {})
    FlowersDataModule(str(root), image_size=8, split_seed=None).load_for_all()
    tests = {}
    for seed in (1, 2):
        data = FlowersDataModule(str(root), image_size=8, split_seed=None)
        data.trainer = SimpleNamespace(seed=seed, world_size=1)
        data.load_once()
        assert data.split_seed == seed
        tests[seed] = numbers(data, "test")
    assert tests[1] != tests[2]
    FlowersDataModule(str(root), image_size=8, split_seed=1).load_for_all()
    assert len(shared_data._loaded) == 1


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


def test_every_picture_is_in_the_test_of_one_fold(root: Path) -> None:
    folds = [load(root, fold=fold, folds=4) for fold in (1, 2, 3, 4)]
    assert sorted(sum((numbers(data, "test") for data in folds), [])) == list(range(100))
    for data in folds:
        assert data.sizes == {"train": 65, "val": 10, "test": 25}
        assert not {*numbers(data, "test")} & {*numbers(data, "val"), *numbers(data, "train")}


def test_lists_name_the_pictures_of_each_part(root: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "train.txt").write_text("daisy/1.jpg\nroses/20.png\n\ntulips/60\nroses/21\n")
    (lists / "test.txt").write_text("tulips/99\n")
    data = load(root, lists=str(lists), batch_size=2)
    assert [sorted(numbers(data, part)) for part in ("train", "val", "test")] == [[1, 20, 21, 60], [], [99]]
    for text, reason in (("tulips/99\n", "stands in test.txt already"), ("tulips/7\n", "tulips/7 is no picture in")):
        (lists / "val.txt").write_text("daisy/2\n")
        (lists / "test.txt").write_text("tulips/99\n")
        (lists / ("train.txt" if "99" in text else "val.txt")).write_text(text + "daisy/3\nroses/22\ntulips/61\n")
        with pytest.raises(InputError, match=reason if "99" not in text else "tulips/99 stands in train.txt already"):
            load(root, lists=str(lists))


def test_lists_name_pictures_exactly_before_by_stems(root: Path, tmp_path: Path) -> None:
    for name, grey in (("x.1.png", 101), ("x.2.png", 102), ("1.jpg", 103)):
        Image.fromarray(np.full((10, 12, 3), grey, np.uint8)).save(root / "daisy" / name)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "train.txt").write_text("daisy/x.1\ndaisy/1.png\nroses/20\ntulips/60\n")
    (tmp_path / "lists" / "test.txt").write_text("daisy/x.2\ndaisy/1.jpg\n")
    data = load(root, lists=str(tmp_path / "lists"), batch_size=2)
    assert [sorted(numbers(data, part)) for part in ("train", "test")] == [[1, 20, 60, 101], [102, 103]]
    (tmp_path / "lists" / "test.txt").write_text("daisy/1\n")
    with pytest.raises(InputError, match=r"daisy/1 could be daisy/1\.(jpg|png) or daisy/1\..* give its ending, too"):
        load(root, lists=str(tmp_path / "lists"))


def test_fewer_training_pictures_are_among_more(root: Path) -> None:
    parts = {n: load(root, per_class=n, batch_size=3) for n in (1, 5, 30)}
    assert [data.sizes["train"] for data in parts.values()] == [3, 15, 16 + 24 + 30]
    assert {*numbers(parts[1], "train")} < {*numbers(parts[5], "train")} < {*numbers(parts[30], "train")}
    assert all(numbers(data, "test") == numbers(parts[1], "test") for data in parts.values())
    assert parts[5].mean != parts[30].mean  # of the pictures that are trained on


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fold": 2}, "give both, such as --data.fold 2 --data.folds 5, or none"),
        ({"fold": 5, "folds": 4}, "data.fold is 5: there are 1 to 4"),
        ({"fold": 1, "folds": 101}, "data.folds is 101: more than the 100 pictures"),
        ({"fold": 1, "folds": 2, "test_size": 3}, "of a cross-validation the fold is the test"),
        ({"lists": "lists", "val_size": 3}, "they say what is in each part"),
        ({"val_size": 60, "test_size": 40}, "60 \\+ 40 of 100 pictures leave none"),
        ({"val_size": 50, "test_size": 49}, "a class has none left to train on"),
        ({"per_class": 0}, "data.per_class is 0: at least 1 is needed"),
        ({"lists": "nowhere"}, "nowhere/train.txt: cannot be read"),
    ],
)
def test_what_cannot_be_is_one_line(settings: dict, message: str, root: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(root, **settings)
    assert "\n" not in str(caught.value)


def test_a_folder_that_has_parts_is_read_as_they_are(root: Path) -> None:
    for name in CLASSES:
        shutil.move(root / name, root / "train" / name)
    data = load(root)
    assert data.sizes == {"train": 90, "val": 10, "test": 0}
    with pytest.raises(InputError, match="has a folder train, which says what to train on; leave test_size, fold"):
        load(root, per_class=3)


def test_what_stands_beside_the_classes_is_counted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "LICENSE.txt").write_text("free")
    (root / "models").mkdir()
    assert load(root).class_names == tuple(CLASSES)
    said = capsys.readouterr().out
    assert f"folders without pictures in {root}: 1 (models)" in said
    assert f"files beside the class folders in {root}: 1 (LICENSE.txt)" in said


def test_one_picture_is_no_data_set(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    with pytest.raises(InputError, match=r"at least two folders, one a class, are needed, not 1 \(a\)"):
        FlowersDataModule(str(tmp_path))
    picture(tmp_path / "b" / "1.png")
    with pytest.raises(InputError, match=r"its pictures are in no folder; they belong in one folder a class"):
        FlowersDataModule(str(tmp_path / "b"))


def test_grey_transparent_and_small_pictures_are_read(root: Path) -> None:
    picture(root / "daisy" / "grey.png", (3, 2), mode="L")
    Image.new("RGBA", (40, 5), (9, 9, 9, 0)).save(root / "roses" / "clear.png")
    data = load(root, test_size=0, val_size=0)
    assert data.sizes["train"] == 102
    whole = data.splits["train"].images
    assert (whole == 255).flatten(1).all(1).sum() == 1  # transparent is white


def test_synthetic_pictures_need_no_folder() -> None:
    data = load(Path("nowhere"), source="synthetic", image_size=16)
    assert data.sizes == {"train": 200, "val": 25, "test": 25}
    assert data.num_classes == len(data.class_names) == len(data.splits["train"].targets.unique()) == 5


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
