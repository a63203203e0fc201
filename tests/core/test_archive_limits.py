"""A file that unpacks to more than it holds is refused before torch asks for memory."""

import os
import zipfile
from pathlib import Path

import pytest
import torch

from core.archive_limits import refuse_inflated
from core.errors import InputError
from core.tensor_files import load_checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file as torch writes it."""
    torch.save({"state_dict": {"weight": torch.zeros(100_000)}}, tmp_path / "saved.ckpt")
    return tmp_path / "saved.ckpt"


def test_what_torch_writes_is_read(saved: Path, tmp_path: Path) -> None:
    assert load_checkpoint(saved)["state_dict"]["weight"].shape == (100_000,)
    torch.save({"a": torch.zeros(3)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert load_checkpoint(tmp_path / "old.pth")["a"].shape == (3,)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries_are_refused(method: int, saved: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(bomb, "w", method) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    assert bomb.stat().st_size < saved.stat().st_size / 10
    with pytest.raises(InputError, match=r"bomb\.ckpt: no checkpoint: .* in it is compressed, which torch never does"):
        load_checkpoint(bomb)


def test_a_size_that_is_not_there_is_refused(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    size = (400_000).to_bytes(4, "little")
    claimed = (4_000_000_000).to_bytes(4, "little")
    saved.write_bytes(content.replace(size, claimed))
    with pytest.raises(InputError, match="bytes and claims to hold 4,000,"):
        load_checkpoint(saved)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"hello", os.urandom(1000)])
def test_what_is_no_archive_is_left_to_torch(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    refuse_inflated(tmp_path / "a")
    refuse_inflated(tmp_path / "nowhere")
