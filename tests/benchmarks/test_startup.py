"""What the benchmark of starting notes and times."""

import json
import time
from pathlib import Path

import pytest

from benchmarks.startup import FirstStep, main, whole
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def test_the_end_of_the_first_step_is_noted_once(tmp_path: Path) -> None:
    began = time.time()
    path = tmp_path / "ended"
    trainer = tiny_trainer(tmp_path, max_steps=1, callbacks=[FirstStep(str(path))])
    trainer.fit(tiny_vgg(), TinyDataModule())
    noted = float(path.read_text())
    assert began < noted < time.time()
    FirstStep(str(path)).on_train_batch_end()
    assert float(path.read_text()) == noted


def test_a_process_that_ends_otherwise_is_no_measurement() -> None:
    assert whole(("-c", "raise SystemExit(2)"), 2) > 0
    with pytest.raises(RuntimeError, match="exit code 2, not 0"):
        whole(("-c", "raise SystemExit(2)"), 0)


def test_what_needs_no_torch_is_timed_as_the_command(tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    only = ["help", "mistyped_subcommand", "mistyped_config"]
    main(["--pairs", "1", "--only", *only, "--output", str(output)])
    assert list(json.loads(output.read_text())["results"]["seconds"]) == only
