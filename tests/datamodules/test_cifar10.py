"""CIFAR-10 is found in either form, checked, downloaded where it is absent, and its absence explained in one line."""

import contextlib
import hashlib
import os
import pickle
import shutil
import socketserver
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

import datamodules.cifar10
from core.errors import InputError
from datamodules import CIFAR10DataModule
from tests.servers import Broken, Files, refusing, serving
from tests.stages import prepared

CLASSES = CIFAR10DataModule.class_names
TRAIN, TEST = 40, 20  # images of the batches made here


def pixels(seed: int, *shape: int) -> np.ndarray:
    """Returns noise."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def load(folder: Path, val_size: int = 10, **changes: object) -> CIFAR10DataModule:
    """Returns a data module that has read a folder."""
    return prepared(CIFAR10DataModule(str(folder), val_size=val_size, **changes), "test")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Class folders with three pictures a class to train on and two to test."""
    for part, count in (("train", 3), ("test", 2)):
        for number, name in enumerate(CLASSES):
            folder = tmp_path / "pictures" / part / name
            folder.mkdir(parents=True)
            for place in range(count):
                Image.fromarray(pixels(100 * number + place, 32, 32, 3)).save(folder / f"{name}{place}.png")
    return tmp_path / "pictures"


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set in torchvision's layout, with its checksums in place of the real ones."""
    folder = tmp_path / "batches" / CIFAR10.base_folder
    folder.mkdir(parents=True)

    def write(name: str, content: dict[str, object]) -> str:
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    def batch(name: str, seed: int, n: int) -> list[str]:
        labels = [place % 10 for place in range(n)]
        return [name, write(name, {"data": pixels(seed, n, 3072), "labels": labels})]

    monkeypatch.setattr(CIFAR10, "train_list", [batch(f"data_batch_{i}", i, TRAIN // 2) for i in (1, 2)])
    monkeypatch.setattr(CIFAR10, "test_list", [batch("test_batch", 3, TEST)])
    meta = write("batches.meta", {"label_names": list(CLASSES)})
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": meta})
    return folder.parent


@pytest.fixture
def archive(batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as an archive in a folder `site`; the batches themselves are gone."""
    (tmp_path / "site").mkdir()
    path = tmp_path / "site" / CIFAR10.filename
    with tarfile.open(path, "w:gz") as file:
        file.add(batches / CIFAR10.base_folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(path.read_bytes()).hexdigest())
    shutil.rmtree(batches)
    return path


Serve = Callable[[type[socketserver.BaseRequestHandler]], None]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server on this machine, and has the download come from there."""
    with contextlib.ExitStack() as stack:

        def start(handler: type[socketserver.BaseRequestHandler]) -> None:
            address = stack.enter_context(serving(handler, tmp_path / "site"))
            monkeypatch.setattr(CIFAR10, "url", address + CIFAR10.filename)

        yield start


@pytest.fixture
def _refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has the download come from a port at which nobody listens."""
    with refusing() as address:
        monkeypatch.setattr(CIFAR10, "url", address + CIFAR10.filename)
        yield


# Class folders


def test_class_folders_are_read_whole_and_labelled_by_folder(pictures: Path) -> None:
    data = load(pictures)
    assert data.sizes == {"train": 20, "val": 10, "test": 20}
    assert data.origin == f"{pictures} (class folders)"
    for name, per_class in (("train", 2), ("val", 1), ("test", 2)):
        split = data.splits[name]
        assert torch.bincount(split.targets).tolist() == [per_class] * 10
        for image, target in zip(split.images.numpy(), split.targets.tolist(), strict=True):
            assert any(np.array_equal(image, pixels(100 * target + place, 32, 32, 3)) for place in range(3))


def test_class_folders_are_decoded_once(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(pictures)
    monkeypatch.setattr(datamodules.cifar10, "decode", lambda *_, **__: pytest.fail("decoded again"))
    second = load(pictures)
    for name, split in first.splits.items():
        assert torch.equal(split.images, second.splits[name].images)
        assert torch.equal(split.targets, second.splits[name].targets)


def test_the_cache_is_made_anew_once_a_picture_changes(pictures: Path) -> None:
    before = load(pictures).splits["test"].images
    changed = pictures / "test" / "cat" / "cat0.png"
    Image.fromarray(np.zeros((32, 32, 3), dtype=np.uint8)).save(changed)
    os.utime(changed, ns=(0, 0))
    after = load(pictures).splits["test"].images
    assert (before != after).flatten(1).any(1).sum() == 1
    (pictures / "test" / "cat" / "cat1.png").unlink()
    assert load(pictures).sizes["test"] == 19


def test_a_missing_class_or_part_is_named(pictures: Path) -> None:
    shutil.rmtree(pictures / "train" / "frog")
    with pytest.raises(InputError, match="class folder 'frog' is missing"):
        load(pictures)
    shutil.rmtree(pictures / "test")
    with pytest.raises(InputError, match=r"class folder '\w+' is missing"):
        load(pictures)


def test_pictures_of_other_classes_are_told_what_reads_them(tmp_path: Path) -> None:
    for name in ("cat", "cow", "dog", "hen"):
        (tmp_path / "train" / name).mkdir(parents=True)
    with pytest.raises(InputError, match=r"has the class folders cat, cow, dog, \.\.\., .*ImageFolderDataModule"):
        load(tmp_path)


# torchvision's batches


def test_batches_are_read_in_their_order(batches: Path) -> None:
    data = load(batches, val_size=0)
    assert data.sizes == {"train": TRAIN, "val": 0, "test": TEST}
    assert data.origin == f"{batches} (torchvision's batches)"
    raw = np.concatenate([pixels(1, TRAIN // 2, 3072), pixels(2, TRAIN // 2, 3072)])
    expected = raw.reshape(TRAIN, 3, 32, 32).transpose(0, 2, 3, 1)  # stored channel by channel
    np.testing.assert_array_equal(data.splits["train"].images.numpy(), expected)
    assert data.splits["train"].targets.tolist() == [place % 10 for place in range(TRAIN)]
    assert data.splits["test"].images.dtype == torch.uint8


def test_batches_come_before_class_folders(batches: Path, pictures: Path) -> None:
    shutil.copytree(batches, pictures, dirs_exist_ok=True)
    assert load(pictures).sizes["test"] == TEST
    assert "torchvision" in load(pictures).origin


# Some of the classes


@pytest.mark.parametrize("classes", [["frog", "cat"], [6, 3], ["frog", 3]], ids=str)
def test_chosen_classes_are_kept_in_file_order_under_new_numbers(classes: list, batches: Path) -> None:
    whole = load(batches, val_size=0)
    data = load(batches, val_size=0, classes=classes)
    assert data.class_names == ("frog", "cat")
    assert data.num_classes == 2
    for name in ("train", "test"):
        all_targets, split = whole.splits[name].targets, data.splits[name]
        among = (all_targets == 6) | (all_targets == 3)
        assert torch.equal(split.images, whole.splits[name].images[among])
        assert torch.equal(split.targets, (all_targets[among] == 3).long())


def test_chosen_classes_of_folders_come_from_the_same_cache(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load(pictures, val_size=0)
    monkeypatch.setattr(datamodules.cifar10, "decode", lambda *_, **__: pytest.fail("decoded again"))
    data = load(pictures, val_size=2, classes=["truck", "airplane"])
    assert data.sizes == {"train": 4, "val": 2, "test": 4}
    assert data.splits["val"].targets.sort().values.tolist() == [0, 1]
    trucks = whole.splits["test"].images[whole.splits["test"].targets == 9]
    assert torch.equal(data.splits["test"].images[data.splits["test"].targets == 0], trucks)


def test_the_validation_set_of_fewer_classes_stays_as_large(batches: Path) -> None:
    assert load(batches, val_size=4, classes=[0, 1]).sizes == {"train": 4, "val": 4, "test": 4}
    with pytest.raises(InputError, match=r"data\.val_size is 7: too large for 8 training images"):
        load(batches, val_size=7, classes=[0, 1])


def test_a_model_learns_the_number_of_classes_before_any_data_is_read(tmp_path: Path) -> None:
    data = CIFAR10DataModule(str(tmp_path / "none"), classes=["dog", "cat", "bird"])
    assert (data.num_classes, data.class_names) == (3, ("dog", "cat", "bird"))
    assert (CIFAR10DataModule.num_classes, CIFAR10DataModule.class_names) == (10, CLASSES)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (["cat", "cow"], "no class is called 'cow'; there are 0 to 9: airplane, .*, truck"),
        (["cat", 10], "no class is called '10'"),
        ([True, 0], "no class is called 'True'"),
        ([-1, "cat"], "no class is called '-1'"),
        (["cat", "dog", 3], r"'3' \(cat\) is given twice"),
        (["cat"], "at least two of airplane, .*, truck are needed, not 1"),
        ([], "at least two of airplane, .*, truck are needed, not 0"),
    ],
    ids=str,
)
def test_classes_that_cannot_be_kept_are_one_line(classes: list, reason: str) -> None:
    with pytest.raises(InputError, match=rf"^data\.classes: {reason}"):
        CIFAR10DataModule(classes=classes)


# The download


def test_absent_data_is_downloaded(archive: Path, serve: Serve, tmp_path: Path) -> None:
    serve(Files)
    data = load(tmp_path / "new" / "folder")
    assert data.sizes == {"train": TRAIN - 10, "val": 10, "test": TEST}
    assert (tmp_path / "new" / "folder" / CIFAR10.base_folder / "test_batch").exists()


def test_damaged_batches_are_downloaded_again(archive: Path, serve: Serve, tmp_path: Path) -> None:
    serve(Files)
    load(tmp_path / "data")
    damaged = tmp_path / "data" / CIFAR10.base_folder / "data_batch_1"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    assert not (tmp_path / "data" / CIFAR10.filename).exists()
    load(tmp_path / "data")
    assert damaged.read_bytes() == whole


@pytest.mark.usefixtures("_refused")
def test_damaged_batches_that_cannot_be_downloaded_are_called_so(batches: Path) -> None:
    (batches / CIFAR10.base_folder / "test_batch").write_bytes(b"damaged")
    with pytest.raises(InputError, match=f"{batches}: holds a damaged {CIFAR10.base_folder}, and the download failed"):
        load(batches)
    assert (batches / CIFAR10.base_folder).is_dir()


@pytest.mark.usefixtures("_refused")
def test_an_archive_that_is_there_already_needs_no_server(archive: Path) -> None:
    assert load(archive.parent).sizes["test"] == TEST


@pytest.mark.usefixtures("_refused")
def test_a_refused_download_is_one_line_with_folder_reason_and_ways_out(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with pytest.raises(InputError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(folder), CIFAR10.base_folder, "train/", CIFAR10.url, "refused", "--data.source synthetic"):
        assert part in message
    assert list(tmp_path.iterdir()) == []


def test_a_broken_download_leaves_no_folder(archive: Path, serve: Serve, tmp_path: Path) -> None:
    serve(Broken)
    with pytest.raises(InputError, match="corrupted"):
        load(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()


def test_nothing_is_read_or_downloaded_before_it_is_needed(tmp_path: Path) -> None:
    CIFAR10DataModule(str(tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws one pixel a picture."""

    def few(n: int, **shape: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(n, 1, dtype=torch.uint8), torch.arange(n) % shape["num_classes"]

    monkeypatch.setattr("datamodules.images.classification.synthetic_images", few)


def test_a_setting_that_no_base_takes_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        CIFAR10DataModule(colour="red")


@pytest.mark.usefixtures("_few")
def test_the_stand_in_needs_no_folder(tmp_path: Path) -> None:
    data = CIFAR10DataModule(str(tmp_path / "data"), source="synthetic")
    data.setup("fit")
    assert data.sizes == {"train": 9000, "val": 1000, "test": 2000}
    assert data.class_names[0] == "disc"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_few")
def test_classes_of_the_stand_in_are_its_shapes() -> None:
    data = CIFAR10DataModule(source="synthetic", classes=["heart", "disc", 9])
    assert data.class_names == ("heart", "disc", "arrow")
    data.setup("fit")
    assert data.sizes == {"train": 2000, "val": 1000, "test": 600}  # a third of 15,000 is a third of 3,000
    assert data.splits["test"].targets[:6].tolist() == [1, 0, 2, 1, 0, 2]
    with pytest.raises(InputError, match=r"no class is called 'dragon'; there are 0 to 9: disc, .*, arrow"):
        CIFAR10DataModule(source="synthetic", classes=["heart", "dragon"])


def test_names_of_cifar_10_stand_for_the_shapes_in_their_place() -> None:
    data = CIFAR10DataModule(source="synthetic", classes=["automobile", "disc"])
    assert data.class_names == ("ring", "disc")
