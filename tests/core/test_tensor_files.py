"""Files of tensors hold plain values, and no part of them holds itself."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import InputError
from core.tensor_files import best_checkpoint, load_checkpoint, load_safetensors


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
