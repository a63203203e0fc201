"""Files of tensors hold plain values, no part of them holds itself, and none unpacks to more than it holds."""

import os
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import InputError
from core.files.tensor_files import best_checkpoint, load_checkpoint, load_safetensors


def test_parts_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    content: dict = {"a": torch.zeros(1)}
    content["b"] = [content, content]
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="holds parts that hold themselves"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_parts_that_stand_there_twice_are_read(tmp_path: Path) -> None:
    part = {"x": [1, 2]}
    content = {str(number): part for number in range(100)}
    torch.save(content, tmp_path / "a.ckpt")
    assert load_checkpoint(tmp_path / "a.ckpt") == content


def test_safetensors_are_read_or_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert load_safetensors(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
    (tmp_path / "b.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00nothing")
    with pytest.raises(InputError, match=r"b\.safetensors: no safetensors file"):
        load_safetensors(tmp_path / "b.safetensors")


@pytest.mark.parametrize("read", [load_checkpoint, load_safetensors])
def test_a_pipe_is_not_waited_for(read: object, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a pipe or a device"):
        read(tmp_path / "pipe")


def test_the_last_checkpoint_stands_in_for_a_best_one(tmp_path: Path) -> None:
    assert best_checkpoint(tmp_path) is None
    (tmp_path / "checkpoints").mkdir()
    for name in ("last.ckpt", "best.ckpt"):
        (tmp_path / "checkpoints" / name).touch()
        assert best_checkpoint(tmp_path).name == name


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
    with pytest.raises(InputError, match="a: no checkpoint"):
        load_checkpoint(tmp_path / "a")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1, dtype=torch.uint8).expand(10**11),
        torch.zeros(3, 1).expand(3, 10**9),
        torch.empty(10**9, device="meta"),
    ],
)
def test_tensors_that_repeat_few_values_endlessly_are_refused(tensor: torch.Tensor, tmp_path: Path) -> None:
    """Whoever copied one would ask for all of its memory."""
    torch.save({"state_dict": {"weight": torch.ones(2)}, "data": [{"vocabulary": tensor}]}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"a.ckpt: no checkpoint: its tensors repeat values, .* [\d,]+ bytes more"):
        load_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.filterwarnings("ignore:.*[Ss]parse")
def test_tensors_of_a_module_are_read_however_they_lie(tmp_path: Path) -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "tied": weight,
        "turned": weight.T,
        "part": weight[1:, ::2],
        "repeated": torch.ones(1, 1).expand(1000, 1000),
        "sparse": weight.to_sparse(),
        "none": torch.zeros(0, 10**9),
        "number": torch.tensor(1.0),
    }
    torch.save({"state_dict": tensors | {"weight": weight}}, tmp_path / "a.ckpt")
    read = load_checkpoint(tmp_path / "a.ckpt")["state_dict"]
    for name, tensor in tensors.items():
        assert torch.equal(read[name].to_dense(), tensor.to_dense())
