"""What may differ between a run and its continuation."""

from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import LightningModule

from engine.arguments import Arguments, flatten, read_config
from engine.errors import InputError

# Dotted keys, or their beginnings, that a continued run may change; anything else would make it another run.
CHANGEABLE = (
    "model.optimizer.",
    "trainer.max_epochs",
    "trainer.max_steps",
    "trainer.max_time",
    "trainer.log_every_n_steps",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
    "trainer.logger",
    "trainer.profiler",
    "trainer.deterministic",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.strategy",
    "trainer.num_nodes",
    "trainer.default_root_dir",
    "early_stopping.",
    "checkpoint.",
    "nan_guard.",
    "test_subset.",
    "wandb",
    "data.data_dir",
    "data.eval_batch_size",
)


def check_unchanged(arguments: Arguments) -> None:
    """Checks that a continued run keeps what makes it this run.

    Raises:
        InputError: A flag or config changes its model, data or seed; or a flag belongs to new runs alone.
    """
    recorded = flatten(read_config(arguments.run / "config.yaml"))
    for key, value in arguments.given.items():
        if key in ("run_dir", "weights"):
            raise InputError(f"--{key} is for new runs; --ckpt_path continues the one in {arguments.run}")
        if key.startswith(CHANGEABLE) and not key.endswith("class_path"):
            continue
        before = recorded.get(key, recorded.get(f"{key}.class_path"))
        if key in recorded or value is not None:
            now = yaml.safe_load(value) if isinstance(value, str) else value
            if key.split(".")[0] in ("model", "data", "trainer", "seed_everything") and now != before:
                raise InputError(
                    f"--{key} {value}: this run has {before}, and cannot change it; start a new run from its weights: "
                    f"fit --config NAME --weights {arguments.run} --{key} {value}"
                )


def check_same_model(model: LightningModule, checkpoint: dict[str, Any], path: Path) -> None:
    """Checks that a checkpoint holds this very network.

    Raises:
        InputError: Names or shapes differ; names the first.
    """
    ours, theirs = model.state_dict(), checkpoint["state_dict"]
    for name in dict.fromkeys([*ours, *theirs]):
        mine = list(ours[name].shape) if name in ours else "nothing"
        other = list(theirs[name].shape) if name in theirs else "nothing"
        if mine != other:
            raise InputError(
                f"{path}: of another model: {name} is {other} there and {mine} in {type(model).__name__}; "
                "--weights takes what fits"
            )
