"""MNIST and its kin are read in every form they come in, checked, downloaded where absent, and split as asked."""

import gzip
import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision.datasets import KMNIST, MNIST, FashionMNIST

from core.errors import InputError
from datamodules import MNISTDataModule
from datamodules.images.augmentation import Augmentation
from datamodules.mnist import VARIANTS
from tests.servers import Broken, Files, refusing, serving
from tests.stages import prepared

TRAIN, TEST = 60, 20  # images of the files made here
NAMES = [name.removesuffix(".gz") for name, _ in MNIST.resources]


def idx(array: np.ndarray) -> bytes:
    """Returns bytes in MNIST's format."""
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def digits(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns noise, and labels of which each comes equally often."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), rng.permutation(n).astype(np.uint8) % 10


def write(folder: Path, zipped: bool = False) -> Path:
    """Writes the four files."""
    folder.mkdir(parents=True)
    arrays = (*digits(0, TRAIN), *digits(1, TEST))
    for name, array in zip(NAMES, arrays, strict=True):
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), mtime=0))
        else:
            (folder / name).write_bytes(idx(array))
    return folder


def load(folder: Path, val_size: int = 10, **changes: object) -> MNISTDataModule:
    """Returns a data module that has read a folder."""
    return prepared(MNISTDataModule(str(folder), val_size=val_size, **changes), "test")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The four files in torchvision's layout."""
    return write(tmp_path / "data" / "MNIST" / "raw")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The four files gzipped as a server has them, with their checksums in place of the real ones."""
    folder = write(tmp_path / "site", zipped=True)
    checksums = [(f"{name}.gz", hashlib.md5((folder / f"{name}.gz").read_bytes()).hexdigest()) for name in NAMES]
    monkeypatch.setattr(MNIST, "resources", checksums)
    return folder


# Reading


@pytest.mark.parametrize("zipped", [False, True], ids=["unpacked", "gzipped"])
@pytest.mark.parametrize("above", ["MNIST/raw", "raw", "."])
def test_files_are_read_from_any_of_the_folders_in_their_order(above: str, zipped: bool, tmp_path: Path) -> None:
    folder = write(tmp_path / "data" / above, zipped)
    data = load(tmp_path / "data", val_size=0)
    assert data.sizes == {"train": TRAIN, "val": 0, "test": TEST}
    assert data.origin == str(folder)
    for name, seed, n in (("train", 0, TRAIN), ("test", 1, TEST)):
        images, labels = digits(seed, n)
        split = data.splits[name]
        np.testing.assert_array_equal(split.images.numpy(), images[..., None])
        assert split.images.dtype == torch.uint8
        assert split.targets.dtype == torch.int64
        np.testing.assert_array_equal(split.targets.numpy(), labels)


def test_it_is_what_torchvision_reads(raw: Path) -> None:
    theirs, ours = MNIST(raw.parent.parent), load(raw.parent.parent, val_size=0)
    assert torch.equal(ours.splits["train"].images[..., 0], theirs.data)
    assert torch.equal(ours.splits["train"].targets, theirs.targets)


def test_reading_writes_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", zipped=True)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    load(folder)
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("variant", "dataset", "name", "first", "mean", "std"),
    [
        ("mnist", MNIST, "MNIST", ("0", "1"), 0.1307, 0.3081),
        ("fashion", FashionMNIST, "Fashion-MNIST", ("T-shirt", "trousers"), 0.2860, 0.3530),
        ("kmnist", KMNIST, "KMNIST", ("o", "ki"), 0.1918, 0.3483),
    ],
)
def test_each_variant_has_its_folder_and_facts(
    variant: str, dataset: type, name: str, first: tuple[str, str], mean: float, std: float, tmp_path: Path
) -> None:
    write(tmp_path / dataset.__name__ / "raw")
    data = load(tmp_path, variant=variant)
    assert data.origin == str(tmp_path / dataset.__name__ / "raw")
    assert data.name == name
    assert data.class_names[:2] == first
    assert len(set(data.class_names)) == data.num_classes == 10
    white = data.normalization(torch.full((1, 1, 1, 1), 255.0))
    torch.testing.assert_close(white.item(), (1 - mean) / std, rtol=1e-5, atol=0)


def test_a_class_has_the_number_that_it_has_in_torchvision() -> None:
    assert VARIANTS["mnist"].class_names == tuple(name[0] for name in MNIST.classes)
    assert VARIANTS["kmnist"].class_names == tuple(KMNIST.classes)
    for ours, theirs in zip(VARIANTS["fashion"].class_names, FashionMNIST.classes, strict=True):
        assert ours[:6].lower() == theirs[:6].lower()


@pytest.mark.parametrize("named", ["MNIST", "MNIST/raw"])
def test_digits_are_not_taken_for_clothes(named: str, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = raw.parent.parent / named
    assert load(folder).sizes["test"] == TEST
    with refusing() as nobody:
        monkeypatch.setattr(FashionMNIST, "mirrors", [nobody])
        with pytest.raises(InputError, match=f"{folder}: holds no Fashion-MNIST, and the download failed"):
            load(folder, variant="fashion")


@pytest.mark.parametrize(
    ("variant", "augmentation", "stage", "said"),
    [
        ("fashion", Augmentation(rotation=5), "fit", True),
        ("fashion", Augmentation(flip="random", elastic=0.5), "fit", True),
        ("fashion", Augmentation(flip="random", crop_padding=2), "fit", False),
        ("fashion", Augmentation(rotation=5), "test", False),
        ("kmnist", Augmentation(rotation=5), "fit", False),
        ("mnist", Augmentation(rotation=5), "fit", False),
    ],
)
def test_clothes_that_are_varied_as_handwriting_are_noted(
    variant: str,
    augmentation: Augmentation,
    stage: str,
    said: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / VARIANTS[variant].dataset.__name__ / "raw")
    settings = {"val_size": 10, "batch_size": 10, "variant": variant, "augmentation": augmentation}
    prepared(MNISTDataModule(str(tmp_path), **settings), stage)
    assert capsys.readouterr().out.startswith("note     data.augmentation turns and distorts") == said


# Broken files


@pytest.mark.parametrize(("change", "there"), [(lambda c: c[:-1], "47,039"), (lambda c: c + b"0", "47,041")])
def test_a_truncated_file_is_named_with_what_is_there(change: Callable[[bytes], bytes], there: str, raw: Path) -> None:
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=rf"^{path}: holds {there} bytes .* announces 47,040; delete it"):
        load(raw)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"\0\0\x08\x03\0\0", b"\0\0\x08\x01" + bytes(16), b"<html>not found</html>"], ids=str
)
def test_a_file_of_another_kind_is_named(content: bytes, raw: Path) -> None:
    (raw / "t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=f"^{raw / 't10k-images-idx3-ubyte'}: no MNIST file"):
        load(raw)


@pytest.mark.parametrize(
    "damage",
    [lambda c: c[:-20], lambda _: b"rubbish", lambda c: c[:10] + b"\xff" * 9 + c[19:], lambda c: c[:-8] + bytes(8)],
    ids=["cut off", "no archive", "no stream", "checksum"],
)
def test_a_damaged_archive_is_named(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write(tmp_path / "data", zipped=True) / "train-labels-idx1-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=f"^{path}: cannot be read"):
        load(tmp_path / "data")


def test_a_file_that_is_not_readable_is_named(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"images-idx3-ubyte: cannot be read \(.*Permission denied"):
        load(raw)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("train-labels-idx1-ubyte", np.zeros(TRAIN - 1, np.uint8), "59 labels, where there are 60 images"),
        ("t10k-labels-idx1-ubyte", np.full(TEST, 10, np.uint8), "a label is 10, where 0 to 9 are expected"),
        ("t10k-images-idx3-ubyte", np.zeros((TEST, 32, 28), np.uint8), "images of 32x28 pixels, not 28x28"),
    ],
    ids=["count", "label", "size"],
)
def test_files_that_do_not_fit_each_other_are_named(name: str, array: np.ndarray, reason: str, raw: Path) -> None:
    (raw / name).write_bytes(idx(array))
    with pytest.raises(InputError, match=f"^{raw / name}: {reason}"):
        load(raw)


# The split


def test_the_stratified_split_has_each_class_in_proportion(raw: Path) -> None:
    data = load(raw, val_size=20)
    assert torch.bincount(data.splits["val"].targets).tolist() == [2] * 10
    assert data.sizes == {"train": TRAIN - 20, "val": 20, "test": TEST}


def test_the_first_images_are_those_in_the_file(raw: Path) -> None:
    data = load(raw, val_size=20, val_split="first")
    images, labels = digits(0, TRAIN)
    for name, part in (("val", slice(None, 20)), ("train", slice(20, None))):
        np.testing.assert_array_equal(data.splits[name].images[..., 0].numpy(), images[part])
        np.testing.assert_array_equal(data.splits[name].targets.numpy(), labels[part])


# The download


def test_absent_data_is_downloaded_to_torchvisions_place(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Files, site) as address, refusing() as nobody:
        monkeypatch.setattr(MNIST, "mirrors", [nobody, address])
        data = load(tmp_path / "new")
        assert data.sizes == {"train": TRAIN - 10, "val": 10, "test": TEST}
        assert len(MNIST(tmp_path / "new", download=True)) == TRAIN  # torchvision unpacks them, and asks nobody
    assert load(tmp_path / "new").origin == str(tmp_path / "new" / "MNIST" / "raw")


def test_a_missing_file_alone_is_downloaded(site: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = raw / "t10k-labels-idx1-ubyte"
    missing.unlink()
    shutil.copy(site / f"{missing.name}.gz", site.parent)
    with serving(Files, site.parent) as address:  # which has no other
        monkeypatch.setattr(MNIST, "mirrors", [address])
        assert load(raw).sizes["test"] == TEST
    assert sorted(path.name for path in raw.iterdir()) == sorted([*(set(NAMES) - {missing.name}), f"{missing.name}.gz"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_refused_download_is_one_line_with_folder_reason_and_ways_out(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing() as nobody:
        monkeypatch.setattr(VARIANTS[variant].dataset, "mirrors", [nobody])
        with pytest.raises(InputError) as caught:
            load(tmp_path / "new" / "folder", variant=variant)
    message = str(caught.value)
    assert "\n" not in message
    name = VARIANTS[variant].name
    for part in (str(tmp_path / "new" / "folder"), f"no {name}", nobody, "refused", f"put {name} there"):
        assert part in message
    assert "--data.source synthetic" in message
    assert list(tmp_path.iterdir()) == []


def test_a_broken_download_leaves_what_there_was(site: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (raw / NAMES[0]).unlink()
    (raw / NAMES[3]).unlink()
    before = sorted(raw.iterdir())
    with serving(Broken, site) as address:
        monkeypatch.setattr(MNIST, "mirrors", [address])
        with pytest.raises(InputError, match=f"holds no {NAMES[0]}, {NAMES[3]}, and the download failed .*corrupted"):
            load(raw)
        with pytest.raises(InputError, match="corrupted"):
            load(raw.parent.parent.parent / "new")
    assert sorted(raw.iterdir()) == before
    assert not (raw.parent.parent.parent / "new").exists()


def test_what_a_killed_download_leaves_does_not_count_as_there(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, written = tmp_path / "new" / "MNIST" / "raw", []

    def download_url(url: str, root: Path, filename: str, md5: str) -> None:
        original(url, root, filename, md5)
        written.append(sorted(path.name for path in root.iterdir() if path.suffix == ".gz"))

    original = torchvision.datasets.utils.download_url
    monkeypatch.setattr(torchvision.datasets.utils, "download_url", download_url)
    folder.mkdir(parents=True)
    left = folder / f".{NAMES[0]}.gz.{2**80}.tmp"  # no process has so large a number
    left.write_bytes(b"half")  # as SIGKILL leaves it
    with serving(Files, site) as address:
        monkeypatch.setattr(MNIST, "mirrors", [address])
        assert load(tmp_path / "new").sizes["test"] == TEST
    assert [len(names) for names in written] == [0, 1, 2, 3], "each under another name until it is whole"
    assert not left.exists()


def test_nothing_is_read_or_downloaded_before_it_is_needed(tmp_path: Path) -> None:
    MNISTDataModule(str(tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


def test_the_stand_in_is_grey_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def few(n: int, **shape: int) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append((shape["image_size"], shape["in_channels"], shape["num_classes"]))
        return torch.zeros(n, 1, dtype=torch.uint8), torch.arange(n) % 10

    monkeypatch.setattr("datamodules.images.classification.synthetic_images", few)
    data = MNISTDataModule(str(tmp_path / "data"), source="synthetic", variant="kmnist", val_split="first")
    data.setup("fit")
    assert asked == [(28, 1, 10)] * 2
    assert data.sizes == {"train": 9167, "val": 833, "test": 2000}
    assert data.class_names[0] == "disc"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_unpacks_without_end_is_refused_on_the_way(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.files.input_files.FREE", 10_000)
    for path in raw.glob("train-images*"):
        path.unlink()
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(10**7)))
    with pytest.raises(InputError, match="unpacks to more than 100 times its size"):
        MNISTDataModule(str(raw)).read()


def test_images_of_another_size_are_resized_as_pillow_does_it(raw: Path) -> None:
    data, resized = load(raw.parent.parent), load(raw.parent.parent, image_size=32)
    images = resized.splits["test"].images
    assert images.shape == (TEST, 32, 32, 1)
    original = Image.fromarray(data.splits["test"].images[0, :, :, 0].numpy())
    expected = torch.from_numpy(np.array(original.resize((32, 32), Image.Resampling.BICUBIC)))
    assert (images[0, :, :, 0].int() - expected.int()).abs().max() <= 1
    with pytest.raises(InputError, match=r"data\.image_size is 4: at least 8 is needed"):
        MNISTDataModule(image_size=4)
