"""A flag, a line of a config and the recorded value are one setting, of one type."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import yaml

from engine.trainer import Trainer

Command = Callable[..., tuple[int, str, str]]

# For every option of the Trainer: what a user types, and what is written into a config.
TYPED: dict[str, list[tuple[str, Any]]] = {
    "accelerator": [("cpu", "cpu")],
    "strategy": [("ddp", "ddp")],
    "devices": [("2", 2), ("auto", "auto"), ("[0, 1]", [0, 1])],
    "num_nodes": [("2", 2)],
    "precision": [("16", 16), ("16-mixed", "16-mixed"), ("null", None)],
    "logger": [("false", False), ("true", True)],
    "callbacks": [("null", None)],
    "fast_dev_run": [("1", 1), ("true", True), ("3", 3)],
    "max_epochs": [("1", 1), ("-1", -1)],
    "min_epochs": [("1", 1)],
    "max_steps": [("1", 1)],
    "min_steps": [("1", 1)],
    "max_time": [("00:01:00:00", "00:01:00:00"), ("{minutes: 3}", {"minutes": 3})],
    "limit_train_batches": [("1", 1), ("1.0", 1.0), ("0.5", 0.5)],
    "limit_val_batches": [("1", 1), ("1.0", 1.0), ("0", 0)],
    "limit_test_batches": [("1", 1), ("1.0", 1.0)],
    "limit_predict_batches": [("1", 1), ("1.0", 1.0)],
    "overfit_batches": [("1", 1), ("1.0", 1.0), ("0.5", 0.5)],
    "val_check_interval": [("1", 1), ("1.0", 1.0), ("0.5", 0.5)],
    "check_val_every_n_epoch": [("2", 2), ("null", None)],
    "num_sanity_val_steps": [("2", 2)],
    "log_every_n_steps": [("2", 2)],
    "enable_checkpointing": [("false", False)],
    "enable_progress_bar": [("false", False)],
    "enable_model_summary": [("true", True)],
    "accumulate_grad_batches": [("2", 2)],
    "gradient_clip_val": [("1", 1), ("0.5", 0.5)],
    "gradient_clip_algorithm": [("value", "value")],
    "deterministic": [("true", True), ("warn", "warn")],
    "benchmark": [("true", True)],
    "inference_mode": [("false", False)],
    "use_distributed_sampler": [("false", False)],
    "profiler": [("simple", "simple")],
    "detect_anomaly": [("true", True)],
    "barebones": [("false", False)],
    "plugins": [("null", None)],
    "sync_batchnorm": [("true", True)],
    "reload_dataloaders_every_n_epochs": [("1", 1)],
    "default_root_dir": [("here", "here"), ("2024", "2024")],
    "enable_autolog_hparams": [("false", False)],
    "model_registry": [("null", None)],
    "fast_loop": [("false", False)],
}


def test_every_option_is_typed() -> None:
    of_lightning = set(inspect.signature(pl.Trainer.__init__).parameters)
    assert set(TYPED) == (of_lightning | {"fast_loop"}) - {"self"}
    assert "fast_loop" in inspect.signature(Trainer.__init__).parameters


@pytest.mark.parametrize("turn", range(max(map(len, TYPED.values()))))
def test_flags_lines_and_recorded_values_are_equal(turn: int, config: Path, tmp_path: Path, command: Command) -> None:
    """`--trainer.limit_val_batches 1` became 1.0, which is all batches, and `--trainer.devices 2` a text."""
    chosen = {name: values[turn % len(values)] for name, values in TYPED.items()}
    flags = [word for name, (text, _) in chosen.items() for word in (f"--trainer.{name}", text)]
    lines = yaml.safe_load(config.read_text())
    lines["trainer"] = {name: value for name, (_, value) in chosen.items()}
    (tmp_path / "lines.yaml").write_text(yaml.safe_dump(lines))

    def merged(*argv: object) -> dict[str, Any]:
        code, printed, errors = command("fit", *argv, "--print_config")
        assert code == 0, errors
        return yaml.safe_load(printed)["trainer"]

    of_flags, of_lines = merged("--config", config, *flags), merged("--config", tmp_path / "lines.yaml")
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(lines | {"trainer": of_flags}))
    of_record = merged("--config", tmp_path / "again.yaml")
    for name, (_, value) in chosen.items():
        kinds = {(repr(values[name]), type(values[name])) for values in (of_flags, of_lines, of_record)}
        assert len(kinds) == 1, name
        assert of_flags[name] == value
    assert of_flags.keys() == of_lines.keys() == of_record.keys()
