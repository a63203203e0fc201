"""What a CPU cannot show: configs train on a GPU, resume to the bit, and their weights mean the same elsewhere."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml

from engine.runs.checkpoint_io import load_checkpoint
from engine.settings.config_names import CONFIGS, config_names
from engine.speed.epoch_loop import EpochLoop
from tests.bits import assert_same_bits
from tests.interruptions import PulledPlug
from tests.small_configs import cheapest

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")

GPU = ("--trainer.accelerator", "gpu", "--trainer.devices", 1, "--trainer.logger", "false")
KINDS = {
    "convolutions": ("vgg_bn.yaml", 32),
    "a language model": ("char_rnn.yaml", 8),
    "documents": ("text_rnn.yaml", 32),
    "translation": ("translate.yaml", 32),
    "word vectors": ("word_vectors.yaml", 256),
}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Takes back what `--trainer.deterministic true` has set in torch."""
    yield
    torch.use_deterministic_algorithms(False)


def _options(name: str, batch_size: int) -> tuple[object, ...]:
    config = yaml.safe_load((CONFIGS / name).read_text())
    return ("--config", name, *cheapest(config, batch_size), *GPU)


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("name", config_names())
def test_a_config_trains_and_is_tested(name: str, command: Callable, tmp_path: Path) -> None:
    options = _options(name, 8)
    code, output, errors = command("fit", *options, "--trainer.max_steps", 2, "--run_dir", tmp_path / "run")
    assert code == 0, errors
    assert torch.cuda.get_device_name() in output
    code, _, errors = command("test", "--ckpt_path", tmp_path / "run", "--trainer.limit_test_batches", 1)
    assert code == 0 or (code == 2 and "no test part" in errors), errors


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("kind", KINDS)
def test_a_deterministic_run_resumes_to_the_bit(
    kind: str, command: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps = ("--trainer.max_steps", 9, "--checkpoint.every_n_train_steps", 2, "--trainer.deterministic", "true")
    options = (*_options(*KINDS[kind]), *steps)
    code, _, errors = command("fit", *options, "--run_dir", tmp_path / "whole")
    assert code == 0, errors
    advance = EpochLoop.advance

    def break_off(self: EpochLoop, data_fetcher: object) -> None:
        advance(self, data_fetcher)
        if self.trainer.global_step == 5:
            raise PulledPlug

    with monkeypatch.context() as patch:
        patch.setattr(EpochLoop, "advance", break_off)
        assert command("fit", *options, "--run_dir", tmp_path / "parts")[0] == 1
    code, _, errors = command("fit", "--ckpt_path", tmp_path / "parts")
    assert code == 0, errors
    whole, parts = (load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("whole", "parts"))
    assert_same_bits(whole["state_dict"], parts["state_dict"])
    assert_same_bits(whole["optimizer_states"], parts["optimizer_states"])


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("kind", ["convolutions", "documents"])
def test_weights_of_a_gpu_mean_the_same_on_a_cpu(kind: str, command: Callable, tmp_path: Path) -> None:
    options = (*_options(*KINDS[kind]), "--trainer.precision", "32-true")
    code, _, errors = command("fit", *options, "--trainer.max_steps", 4, "--run_dir", tmp_path / "run")
    assert code == 0, errors
    losses = []
    for accelerator in ("gpu", "cpu"):
        words = ("--trainer.accelerator", accelerator, "--trainer.precision", "32-true")
        code, _, errors = command("test", "--ckpt_path", tmp_path / "run", *words)
        assert code == 0, errors
        tests = json.loads((tmp_path / "run" / "summary.json").read_text())["tests"]
        losses.append(tests[-1]["metrics"]["test/loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


@pytest.mark.usefixtures("few_samples")
def test_a_run_that_diverges_says_where_and_keeps_finite_weights(command: Callable, tmp_path: Path) -> None:
    words = ("--model.optimizer.lr", 1e30, "--trainer.max_steps", 64, "--run_dir", tmp_path / "run")
    code, _, errors = command("fit", *_options("convnet.yaml", 8), *words)
    assert code == 1
    assert "diverged" in errors
    for path in (tmp_path / "run").rglob("*.ckpt"):
        tensors = load_checkpoint(path)["state_dict"].values()
        assert all(tensor.isfinite().all() for tensor in tensors if tensor.is_floating_point())
