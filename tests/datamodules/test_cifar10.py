"""CIFAR-10 is found in either form, checked, downloaded where it is absent, and its absence explained in one line."""

import contextlib
import hashlib
import http.server
import os
import pickle
import shutil
import socket
import socketserver
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

import datamodules.cifar10
from datamodules import CIFAR10DataModule
from engine.errors import InputError

CLASSES = CIFAR10DataModule.class_names
TRAIN, TEST = 40, 20  # images of the batches made here


def pixels(seed: int, *shape: int) -> np.ndarray:
    """Returns noise."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def load(folder: Path, val_size: int = 10) -> CIFAR10DataModule:
    """Returns a data module that has read a folder."""
    data = CIFAR10DataModule(str(folder), val_size=val_size)
    data.prepare_data()
    data.setup("test")
    return data


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


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


class Broken(Files):
    """Promises a whole file and sends the first kilobyte of it."""

    def copyfile(self, source: object, outputfile: object) -> None:
        """Sends a part."""
        outputfile.write(source.read(1000))


class Rubbish(socketserver.StreamRequestHandler):
    """Answers in no known protocol."""

    def handle(self) -> None:
        """Answers."""
        self.rfile.readline()
        self.wfile.write(b"220 no web server\r\n")


class Dripping(socketserver.StreamRequestHandler):
    """Sends a byte now and then, which keeps a socket's timeout from ever passing."""

    def handle(self) -> None:
        """Answers for more than a second."""
        with contextlib.suppress(OSError):
            for _ in range(15):
                self.wfile.write(b"H")
                time.sleep(0.1)


Serve = Callable[[type[socketserver.BaseRequestHandler]], None]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server on this machine, and has the download come from there."""
    servers: list[socketserver.TCPServer] = []

    def start(handler: type[socketserver.BaseRequestHandler]) -> None:
        if issubclass(handler, Files):
            handler = partial(handler, directory=tmp_path / "site")
        server = socketserver.TCPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        point_at(server.server_address[1], monkeypatch)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def point_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the download come from a port of this machine, without a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{port}/{CIFAR10.filename}")


@pytest.fixture
def _refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the download come from a port at which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        point_at(unused.getsockname()[1], monkeypatch)


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
    (tmp_path / "data" / CIFAR10.filename).unlink()
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


def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datamodules.cifar10, "ANSWER_WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        point_at(silent.getsockname()[1], monkeypatch)
        began = time.monotonic()
        with pytest.raises(InputError, match=r"the download failed \(http.*(timed out|no answer within)"):
            load(tmp_path / "data")
        assert time.monotonic() - began < 3
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_answers_too_slowly_is_given_up_in_time(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datamodules.cifar10, "ANSWER_WITHIN", 0.3)
    serve(Dripping)
    with pytest.raises(InputError, match="no answer within"):  # waiting for the end would give another reason
        load(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("handler", "reason"), [(Files, "not found"), (Rubbish, "220 no web server")], ids=["404", "rubbish"]
)
def test_a_useless_answer_is_the_reason_given(
    handler: type[socketserver.BaseRequestHandler], reason: str, serve: Serve, tmp_path: Path
) -> None:
    serve(handler)
    with pytest.raises(InputError, match=rf"the download failed \(.*{reason}"):
        load(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_download_leaves_no_folder(archive: Path, serve: Serve, tmp_path: Path) -> None:
    serve(Broken)
    with pytest.raises(InputError, match="corrupted"):
        load(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()


def test_nothing_is_read_or_downloaded_before_it_is_needed(tmp_path: Path) -> None:
    CIFAR10DataModule(str(tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


def test_the_stand_in_needs_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(n: int, **shape: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(n, 1, dtype=torch.uint8), torch.arange(n) % 10

    monkeypatch.setattr("datamodules.images.synthetic_images", few)
    data = CIFAR10DataModule(str(tmp_path / "data"), source="synthetic")
    data.setup("fit")
    assert data.sizes == {"train": 9000, "val": 1000, "test": 2000}
    assert data.class_names[0] == "disc"
    assert list(tmp_path.iterdir()) == []
