"""What is said of a monitored value of which nothing states whether more or less is better."""

from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]
MODELS, DATA = "tests.foreign.other_package.models.", "tests.foreign.other_package.data."
NET = ("--model", MODELS + "Net", "--data", DATA + "Pictures", "--trainer.accelerator", "cpu", "--run_dir", "run")
CHECKPOINT, STOPPING = ("--checkpoint.monitor", "val_accuracy"), ("--early_stopping.monitor", "val_accuracy")
PATIENCE = ("--early_stopping.patience", 1)
BETTER = "note     less of val_accuracy counts as better, since nothing says which is; "


def notes(output: str) -> list[str]:
    """Returns the lines on what counts as better."""
    return [line for line in output.splitlines() if "counts as better" in line]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (CHECKPOINT, [BETTER + "--checkpoint.mode max turns that"]),
        ((*STOPPING, *PATIENCE), [BETTER + "--early_stopping.mode max turns that"]),
        (
            (*CHECKPOINT, *STOPPING, *PATIENCE),
            [BETTER + "--checkpoint.mode max and --early_stopping.mode max turn that"],
        ),
        ((*CHECKPOINT, "--checkpoint.mode", "max"), []),
        ((*CHECKPOINT, "--checkpoint.mode", "min"), []),
        ((*STOPPING, *PATIENCE, "--early_stopping.mode", "max"), []),
        (STOPPING, []),  # which is off
        ((*CHECKPOINT, "--trainer.limit_val_batches", 0), []),  # the last is best
        (("--checkpoint.monitor", "last"), []),
        ((), []),
    ],
)
def test_what_is_assumed_of_a_value_is_said_once(words: tuple, said: list[str], command: Command) -> None:
    code, output, errors = command("fit", *NET, "--trainer.max_epochs", 1, *words)
    assert code == 0, errors
    assert notes(output) == said


def test_of_a_measure_it_is_known(config: Path, command: Command) -> None:
    watch = ("--checkpoint.monitor", "val/loss", *PATIENCE)
    code, output, errors = command("fit", "--config", config, "--trainer.max_epochs", 1, *watch)
    assert code == 0, errors
    assert notes(output) == []
