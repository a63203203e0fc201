"""The cache is used when it fits its source, and otherwise made anew."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from datamodules.base.cache import cached

OLD = {"images": torch.arange(600, dtype=torch.uint8).view(10, 60), "targets": torch.arange(10)}
NEW = {"images": torch.zeros(2, 2, dtype=torch.uint8)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cache that was made of the key `key`."""
    path = tmp_path / "data.safetensors"
    cached(path, "key", lambda: OLD)
    return path


def never() -> dict[str, Tensor]:
    """Fails a test that decodes where the cache should have been read."""
    raise AssertionError("decoded although the cache fits")


def assert_same(tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Compares names, types and values."""
    assert set(tensors) == set(expected)
    for name, values in expected.items():
        assert tensors[name].dtype == values.dtype
        assert torch.equal(tensors[name], values)


def truncate(path: Path) -> None:
    """Cuts the file in its middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Leaves nothing."""
    path.write_bytes(b"")


def rubbish(path: Path) -> None:
    """Puts a file of another kind there."""
    path.write_bytes(b"PK\x03\x04 not ours" * 100)


def foreign(path: Path) -> None:
    """Puts somebody else's tensors there."""
    save_file(OLD, path)


def test_a_cache_of_the_same_source_is_read(path: Path) -> None:
    assert_same(cached(path, "key", never), OLD)


def test_a_cache_of_another_source_is_replaced(path: Path) -> None:
    assert_same(cached(path, "other key", lambda: NEW), NEW)
    assert_same(cached(path, "other key", never), NEW)
    assert_same(cached(path, "key", lambda: OLD), OLD)


def test_another_format_makes_the_cache_stale(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.base.cache.FORMAT", "primer-next")
    assert_same(cached(path, "key", lambda: NEW), NEW)


@pytest.mark.parametrize("spoil", [truncate, empty, rubbish, foreign])
def test_a_file_that_is_broken_or_not_ours_is_replaced(path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(path)
    assert_same(cached(path, "key", lambda: NEW), NEW)
    assert_same(cached(path, "key", never), NEW)


def test_without_a_folder_the_tensors_stay_in_memory(tmp_path: Path) -> None:
    assert_same(cached(tmp_path / "absent" / "data.safetensors", "key", lambda: OLD), OLD)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_no_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", full)
    assert_same(cached(path, "other key", lambda: NEW), NEW)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize("refusal", [PermissionError(errno.EACCES, "Permission denied"), SafetensorError("IoError")])
def test_a_folder_without_permission_falls_back_to_memory(
    refusal: Exception, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Releases of safetensors differ in what they raise; root may write anywhere."""
    asked = []

    def refuse(*_: object, **__: object) -> None:
        asked.append(refusal)
        raise refusal

    def refuse_lock(*_: object) -> None:
        asked.append("lock")
        raise PermissionError(errno.EACCES, "Permission denied")

    before = path.read_bytes()
    monkeypatch.setattr("datamodules.base.cache.acquire", refuse_lock)
    monkeypatch.setattr("datamodules.base.cache.save_file", refuse)
    assert_same(cached(path, "other key", lambda: NEW), NEW)
    assert asked == ["lock", refusal]
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def test_the_file_holds_tensors_and_no_pickle(path: Path) -> None:
    assert_same(load_file(path), OLD)
    content = path.read_bytes()
    assert content[8:9] == b"{", "safetensors begin with the length of a JSON header"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at its own memory in /proc")
def test_a_tensor_that_is_dropped_takes_its_part_of_memory_with_it(path: Path) -> None:
    tensors = cached(path, "key", never)
    assert Path("/proc/self/maps").read_text().count(str(path)) == 2
    del tensors["images"]
    assert Path("/proc/self/maps").read_text().count(str(path)) == 1


def test_a_pipe_in_its_place_is_replaced_without_a_wait(pipe: Path) -> None:
    tensors = cached(pipe, "key", lambda: {"a": torch.arange(3)})
    assert torch.equal(cached(pipe, "key", dict)["a"], tensors["a"])
    assert pipe.is_file()


def test_of_several_that_start_together_one_decodes(tmp_path: Path) -> None:
    path, begun, read = tmp_path / "data.safetensors", threading.Event(), []

    def decode() -> dict[str, Tensor]:
        begun.set()
        time.sleep(0.3)
        return OLD

    first = threading.Thread(target=lambda: read.append(cached(path, "key", decode)))
    first.start()
    begun.wait(20)
    assert_same(cached(path, "key", never), OLD)
    first.join()
    assert_same(read[0], OLD)
    assert os.listdir(tmp_path) == [path.name]


def test_nobody_waits_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.base.cache.PATIENCE", 0.05)
    held = FileLock(path.with_name(f".{path.name}.lock"))
    with held:
        assert_same(cached(path, "other", lambda: NEW), NEW)
