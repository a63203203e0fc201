"""Whether runs that are broken off and resumed end with the same bits as undisturbed ones.

With `--trainer.deterministic true` they have to; without it, it is reported.
"""

import math
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.gpu_parts.configured import Configured
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import on_a_terminal
from engine.runs.checkpoint_io import load_checkpoint

SEED = 3
BATCHES, EPOCHS, EVERY, BREAK = 12, 2, 5, 17  # of an epoch; all; steps between checkpoints; step at which it ends
CASES = {  # config, its settings, and those that make it tiny
    "vgg_bn": ("vgg_bn.yaml", "", "--model.widths [8,8,8] --data.batch_size 20"),
    "char_rnn": ("char_rnn.yaml", "--data.batch_size 16 --data.steps 50", "--model.hidden 8"),
    "translate": (
        "translate.yaml",
        "--data.batch_tokens 1000",
        "--data.batch_tokens 200 --model.width 16 --model.hidden 16",
    ),
}


class Broken(Exception):
    """The end of a process, as far as one process can have it."""


class Break(Callback):
    """Ends a run in the middle of a step, before anything of it is saved."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Ends it.

        Raises:
            Broken: It is time.
        """
        if trainer.global_step == BREAK:
            raise Broken


def difference(one: Any, other: Any) -> float:
    """Returns the largest difference of two checkpoints' numbers; infinity where anything else differs."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.shape != other.shape or one.dtype != other.dtype:
            return math.inf
        if torch.equal(one, other):
            return 0.0
        return float((one.double() - other.double()).abs().max())
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return math.inf
        return max((difference(one[key], other[key]) for key in one), default=0.0)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return math.inf
        return max((difference(*pair) for pair in zip(one, other, strict=True)), default=0.0)
    if type(one) is type(other) is float:
        return abs(one - other)
    return 0.0 if one == other else math.inf


def end_of(run: Path) -> dict[str, Any]:
    """Returns what a run ends with: its last checkpoint, but for the counts of what was begun."""
    content = load_checkpoint(run / "checkpoints" / "last.ckpt")
    del content["loops"]
    return content


def resumed_and_whole(config: str, flags: list[str], deterministic: bool) -> dict[str, Any]:
    """Trains a config undisturbed, and broken off and resumed.

    Args:
        config: Its name.
        flags: Settings of all runs.
        deterministic: Whether torch has to choose deterministic algorithms.

    Returns:
        Whether the ends have the same bits, and the largest differences of weights and of all numbers.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = ["--trainer.max_epochs", str(EPOCHS), "--trainer.limit_train_batches", str(BATCHES)]
        words += ["--trainer.limit_val_batches", "1", "--checkpoint.every_n_train_steps", str(EVERY)]
        words += ["--data.source", "synthetic", "--trainer.default_root_dir", folder, *flags]
        configured = Configured(config, words)
        options = {"deterministic": deterministic, "logger": False}

        def train(*callbacks: Callback, ckpt_path: Path | None = None) -> Path:
            built = configured.build(SEED, *callbacks, **options)
            try:
                with on_a_terminal(), suppress(Broken):
                    built.trainer.fit(built.model, datamodule=built.datamodule, ckpt_path=ckpt_path)
            finally:
                torch.use_deterministic_algorithms(False)
            return built.trainer.run_folder.path

        whole = end_of(train())
        broken = train(Break())
        resumed = end_of(train(ckpt_path=broken))
        of_all = difference(whole, resumed)
        return {
            "same_bits": of_all == 0,
            "largest_difference": of_all if math.isfinite(of_all) else str(of_all),
            "largest_difference_of_weights": difference(whole["state_dict"], resumed["state_dict"]),
        }


def measure(settings: Settings, found: Findings) -> None:
    """Tries all cases, first with deterministic algorithms."""
    for deterministic in (True, False):
        results: dict[str, Any] = {}
        kind = "deterministic" if deterministic else "not_deterministic"
        for name, (config, flags, tiny) in CASES.items():
            words = [*settings.flags, *flags.split(), *(tiny.split() if settings.quick else [])]
            try:
                results[name] = resumed_and_whole(config, words, deterministic)
            except Exception as error:  # the other cases still tell something
                results[name] = {"same_bits": False, "error": f"{type(error).__name__}: {error}"}
            print(f"  {kind}: {name}: {results[name]}", flush=True)
            found.note(**{kind: results})
