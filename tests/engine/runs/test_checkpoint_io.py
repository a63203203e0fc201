"""Checkpoint files are whole or absent, and never run code."""

import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InputError, RunFailed
from engine.runs import checkpoint_io
from engine.runs.checkpoint_io import AtomicCheckpointIO, load_checkpoint
from tests.tiny import TINY_CONFIG, TinyDataModule, tiny_trainer, tiny_vgg


class Malicious:
    """Makes a file once it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.proof),)


def _pickle(content: dict, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("write", [torch.save, _pickle])
def test_code_in_a_checkpoint_is_not_run(write: Callable, tmp_path: Path) -> None:
    write({"state_dict": {"weight": torch.ones(1)}, "bomb": Malicious(tmp_path / "proof")}, tmp_path / "bad.ckpt")
    with pytest.raises(InputError, match=r"bad.ckpt: "):
        load_checkpoint(tmp_path / "bad.ckpt")
    with pytest.raises(InputError):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "bad.ckpt", weights_only=False)
    assert not (tmp_path / "proof").exists()
    pickle.loads(pickle.dumps(Malicious(tmp_path / "proof")))  # the bomb is live
    assert (tmp_path / "proof").exists()


def test_objects_in_a_checkpoint_are_named_as_the_reason(tmp_path: Path) -> None:
    torch.save({"path": Path("a")}, tmp_path / "objects.ckpt")
    with pytest.raises(InputError, match="holds objects that could run code; nothing of it was loaded"):
        load_checkpoint(tmp_path / "objects.ckpt")


def test_the_command_refuses_code(config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]) -> None:
    torch.save({"state_dict": {}, "bomb": Malicious(tmp_path / "proof")}, tmp_path / "bad.ckpt")
    for arguments in (("test", "--ckpt_path", "bad.ckpt"), ("fit", "--weights", "bad.ckpt")):
        code, _, errors = command(arguments[0], "--config", config, *arguments[1:])
        assert (code, len(errors.splitlines())) == (2, 1), errors
        assert "could run code" in errors
    assert not (tmp_path / "proof").exists()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_checkpoint_is_told(part: float, tmp_path: Path) -> None:
    path = tmp_path / "cut.ckpt"
    torch.save({"state_dict": tiny_vgg().state_dict()}, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(InputError, match=r"cut.ckpt: no checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"hello", b"\x80\x04.", b"PK\x03\x04nothing", os.urandom(300)])
def test_what_is_no_checkpoint_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other.ckpt").write_bytes(content)
    with pytest.raises(InputError, match=r"other.ckpt: no checkpoint"):
        load_checkpoint(tmp_path / "other.ckpt")


def test_a_bare_tensor_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save(torch.ones(1), tmp_path / "tensor.ckpt")
    with pytest.raises(InputError, match="it holds a Tensor"):
        load_checkpoint(tmp_path / "tensor.ckpt")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint({"a": torch.arange(3), "b": [1, "x"]}, tmp_path / "new" / "a.ckpt")
    loaded = AtomicCheckpointIO().load_checkpoint(tmp_path / "new" / "a.ckpt")
    assert loaded["a"].tolist() == [0, 1, 2]
    assert loaded["b"] == [1, "x"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.ckpt"]


def _full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _half_written(_: object, path: Path) -> None:
    path.write_bytes(b"half of it")
    raise RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed")  # as torch puts it


@pytest.mark.parametrize(
    ("place", "replacement"),
    [("torch.save", _full_disk), ("torch.save", _half_written), ("os.replace", _full_disk), ("os.fsync", _full_disk)],
)
@pytest.mark.parametrize("existed", [True, False])
def test_a_full_disk_leaves_the_previous_checkpoint(
    place: str, replacement: Callable, existed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    if existed:
        AtomicCheckpointIO().save_checkpoint({"step": 1}, path)
    with monkeypatch.context() as patch:
        patch.setattr(place, replacement)
        said = "the previous file is unchanged" if existed else "there was no previous file"
        with pytest.raises(RunFailed, match=rf"last.ckpt: could not be written \(.*\); {said}"):
            AtomicCheckpointIO().save_checkpoint({"step": 2}, path)
    assert list(tmp_path.iterdir()) == ([path] if existed else [])
    if existed:
        assert load_checkpoint(path) == {"step": 1}


def test_a_disk_that_fills_during_a_run_ends_it_with_the_last_epoch_whole(
    config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def second_epoch_finds_it_full(content: dict, path: Path) -> None:
        if content.get("epoch") == 1:
            _full_disk()
        save(content, path)

    monkeypatch.setattr(checkpoint_io.torch, "save", second_epoch_finds_it_full)
    code, _, errors = command("fit", "--config", config, "--run_dir", "run")
    assert code == 1
    assert len(errors.splitlines()) == 1
    assert "No space left on device" in errors
    checkpoints = tmp_path / "run" / "checkpoints"
    assert load_checkpoint(checkpoints / "last.ckpt")["epoch"] == 0
    assert {path.name for path in checkpoints.iterdir()} <= {"last.ckpt", "best.ckpt"}


def test_an_interrupted_write_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ctrl_c(_: object, path: Path) -> None:
        path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_io.torch, "save", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        AtomicCheckpointIO().save_checkpoint({}, tmp_path / "a.ckpt")
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_a_run_holds_tensors_and_plain_values_alone(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    content = torch.load(trainer.run_folder.path / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["hyper_parameters"]["widths"] == [8, 8]
    assert not any(isinstance(value, np.generic) for value in content["hyper_parameters"].values())


@pytest.mark.parametrize("name", ["../precious", "../precious/a.ckpt", "notes.txt", "own.ckpt"])
def test_checkpoints_alone_are_removed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    for file in (tmp_path / "precious" / "a.ckpt", folder / "notes.txt", folder / "own.ckpt"):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    AtomicCheckpointIO().remove_checkpoint(f"{folder}/{name}")
    assert (folder / name).exists() == (name != "own.ckpt")


@pytest.mark.filterwarnings("ignore:Checkpoint directory")
@pytest.mark.parametrize("name", ["../precious", "own.ckpt"])
def test_a_run_that_goes_on_removes_no_folder_that_its_checkpoint_names(
    name: str, finished_run: Callable[..., Path], tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """The checkpoint of a run tells Lightning's callback what it saved before and may remove."""
    saved = tmp_path / "saved"
    kept = {"dirpath": str(saved), "monitor": "val/loss", "save_top_k": 1}
    callback = json.dumps({"class_path": "pytorch_lightning.callbacks.ModelCheckpoint", "init_args": kept})
    run = finished_run(text=TINY_CONFIG.replace("trainer:", f"trainer:\n  callbacks: [{callback}]"))
    for file in (tmp_path / "precious" / "a.ckpt", saved / "own.ckpt"):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    last, path, worst = run / "checkpoints" / "last.ckpt", f"{saved}/{name}", torch.tensor(1e9)
    checkpoint = torch.load(last, weights_only=True)
    (key,) = (key for key in checkpoint["callbacks"] if key.startswith("ModelCheckpoint"))
    state = {"best_k_models": {path: worst}, "kth_best_model_path": path, "kth_value": worst}
    checkpoint["callbacks"][key] |= state
    torch.save(checkpoint, last)
    code, _, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 9)
    assert code == 0, errors
    assert (tmp_path / "precious" / "a.ckpt").exists()
    assert (saved / "own.ckpt").exists() == (name != "own.ckpt")
