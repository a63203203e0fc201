"""Weights to start from, as far as they fit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import InputError
from engine.weights import load_weights, read_weights
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.fixture
def saved() -> dict[str, torch.Tensor]:
    """Weights that are not those of `tiny_vgg`."""
    return {key: value + 1 for key, value in tiny_vgg().state_dict().items() if "_metrics." not in key}


def _write(kind: str, weights: dict[str, torch.Tensor], folder: Path) -> Path:
    path = folder / {"safetensors": "w.safetensors", "pth": "w.pth", "ckpt": "w.ckpt", "run": "run"}[kind]
    if kind == "safetensors":
        save_file(weights, path)
    elif kind == "pth":
        torch.save(weights, path)
    elif kind == "ckpt":
        torch.save({"state_dict": weights, "epoch": 3}, path)
    else:
        (path / "checkpoints").mkdir(parents=True)
        torch.save({"state_dict": weights}, path / "checkpoints" / "best.ckpt")
        torch.save({"state_dict": {"other": torch.ones(1)}}, path / "checkpoints" / "last.ckpt")
    return path


@pytest.mark.parametrize("kind", ["safetensors", "pth", "ckpt", "run"])
def test_every_kind_of_file_is_loaded_whole(kind: str, saved: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path, model = _write(kind, saved, tmp_path), tiny_vgg()
    lines = load_weights(model, read_weights(str(path)), str(path))
    assert lines == [f"weights  {len(saved)} of the model's {len(saved)} tensors loaded from {path}"]
    assert all(torch.equal(model.state_dict()[key], value) for key, value in saved.items())


def test_a_run_without_a_best_checkpoint_gives_its_last(saved: dict[str, torch.Tensor], tmp_path: Path) -> None:
    run = _write("run", saved, tmp_path)
    (run / "checkpoints" / "best.ckpt").unlink()
    assert list(read_weights(str(run))) == ["other"]


def test_a_head_of_another_size_is_skipped_and_said(saved: dict[str, torch.Tensor]) -> None:
    model = tiny_vgg(num_classes=7)
    head = model.classifier[-1].weight.detach().clone()
    lines = load_weights(model, saved, "w.pth")
    assert lines[0] == f"weights  {len(saved) - 2} of the model's {len(saved)} tensors loaded from w.pth"
    assert "         skipped classifier.3.weight: [5, 128] there, [7, 128] in the model" in lines
    assert torch.equal(model.classifier[-1].weight, head)
    assert torch.equal(model.stages[0][0].weight, saved["stages.0.0.weight"])


def test_names_that_only_one_side_has_are_said(saved: dict[str, torch.Tensor]) -> None:
    saved["extra"] = saved.pop("classifier.3.bias")
    lines = load_weights(tiny_vgg(), saved, "w.pth")
    assert "         skipped extra: the model has no such tensor" in lines
    assert "         kept new classifier.3.bias: not in w.pth" in lines


def test_running_metrics_are_not_taken_over(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    model = tiny_vgg()
    lines = load_weights(model, read_weights(str(trainer.run_folder.path)), "run")
    assert len(lines) == 1
    assert model.train_metrics.count == 0


def test_weights_that_fit_nowhere_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"nothing in it fits this model \(it has conv1, the model stages.0.0.weight\)"
    ):
        load_weights(tiny_vgg(), {"conv1": torch.ones(3)}, "w.pth")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nowhere.pth", None, "no such file or run folder"),
        ("broken.safetensors", b"nothing", "no safetensors file"),
        ("broken.pth", b"nothing", "no checkpoint"),
    ],
)
def test_a_file_without_weights_is_named(name: str, content: bytes | None, reason: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_weights(name)
    assert name in str(caught.value)


def test_a_file_without_tensors_and_a_folder_without_checkpoints_are_named(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_weights("w.pth")
    with pytest.raises(InputError, match="no such file or run folder"):
        read_weights(str(tmp_path))


def test_the_command_starts_from_weights(
    config: Path, saved: dict[str, torch.Tensor], tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = _write("pth", saved, tmp_path)
    still = ("--trainer.max_epochs", 1, "--model.optimizer.lr", 0.0, "--run_dir", "run")
    code, output, errors = command("fit", "--config", config, "--weights", path, *still)
    assert code == 0, errors
    assert f"weights  {len(saved)} of the model's" in output
    assert torch.equal(read_weights("run")["classifier.3.weight"], saved["classifier.3.weight"])
