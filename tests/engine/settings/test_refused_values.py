"""A value that a constructor refuses is told with the line of the file, or the flag, that gave it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.settings.refused_values import with_place
from tests.tiny import TINY_CONFIG

MINE = """\
trainer:
  max_epochs: 0
model:
  class_path: lightning_modules.VGG
  init_args:
    dropout: 2
    widths: [8, 0]
    optimizer:
      class_path: torch.optim.SGD
      init_args: {lr: -0.1, momentum: 0.9}
data:
  init_args: {noise: 3, val_size: 7}
"""
DROPOUT = "dropout probability has to be between 0 and 1, but got 2.0"


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(MINE)
    return ["--config", str(tmp_path / "mine.yaml")]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "--trainer.max_epochs 0: at least 1 is needed",
            "mine.yaml, line 2: trainer.max_epochs 0: at least 1 is needed",
        ),
        ("data.noise is 3: too much", "mine.yaml, line 12: data.noise is 3: too much"),
        (f"--model: in Dropout: {DROPOUT}", f"mine.yaml, line 6: model.dropout 2: {DROPOUT}"),
        (DROPOUT, f"mine.yaml, line 6: model.dropout 2: {DROPOUT}"),
        (
            "--model.optimizer SGD: Invalid learning rate: -0.1",
            "mine.yaml, line 10: model.optimizer.lr -0.1: Invalid learning rate: -0.1",
        ),
        ("--model.optimizer SGD: it broke", "mine.yaml, line 8: model.optimizer SGD: it broke"),
        ("VGG: widths [8, 0]: no", "mine.yaml, line 7: model.widths [8, 0]: VGG: widths [8, 0]: no"),
        (
            "the optimizer's lr is -0.1: no",
            "mine.yaml, line 10: model.optimizer.lr -0.1: no",
        ),
    ],
)
def test_a_message_is_told_with_its_line(message: str, told: str, options: list[str]) -> None:
    assert with_place(message, options) == told


@pytest.mark.parametrize(
    "message",
    [
        "something else is wrong",
        "CIFAR-10: too few images",
        "/data/cifar: no such folder",
        "--data.val_size 8: the value of another place",
        "dropout is not for images",  # a name without its value
        "got 2",  # a value without its name
    ],
)
def test_a_message_that_could_be_of_no_place_is_left_as_it_is(message: str, options: list[str]) -> None:
    assert with_place(message, options) == message.replace("--data.val_size", "mine.yaml, line 12: data.val_size")


@pytest.mark.parametrize("written", ["-1e-3", "-1.0e-3", "-0.001"])
def test_a_number_is_found_however_it_is_written(written: str, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE.replace("-0.1", written))
    told = f"mine.yaml, line 10: model.optimizer.lr {written}: Invalid learning rate: -0.001"
    assert with_place("--model.optimizer SGD: Invalid learning rate: -0.001", options) == told


def test_a_name_within_a_value_is_none(options: list[str]) -> None:
    message = "/root/data: these pictures have no test part"  # `root` is what other programs call `data_dir`
    assert with_place(message, [*options, "--data.data_dir", "/root/data"]) == message


def test_a_flag_comes_after_files_and_is_told_by_its_name(options: list[str]) -> None:
    flags = [*options, "--model.dropout=3"]
    message = DROPOUT.replace("2.0", "3.0")
    assert with_place(message, flags) == f"--model.dropout 3: {message}"
    whole = f"--model: in Dropout: {message} (--traceback shows where)"
    assert with_place(whole, flags) == f"--model.dropout 3: {message}"
    assert with_place("model.dropout is 3: no", flags) == "model.dropout is 3: no"


def test_a_path_is_told_once(options: list[str]) -> None:
    message = "gone.txt: cannot be read (No such file or directory)"
    told = "--data.file gone.txt: cannot be read (No such file or directory)"
    assert with_place(message, [*options, "--data.file", "gone.txt"]) == told


def test_a_value_with_a_colon_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("weights: pretrained:lite0\n")
    message = "--weights pretrained:lite0: the package that holds these weights is absent"
    told = message.replace("--", "mine.yaml, line 1: ")
    assert with_place(message, ["--config", str(tmp_path / "mine.yaml")]) == told
    assert with_place(message, ["--weights", "pretrained:lite0"]) == message


def test_two_settings_that_could_be_meant_are_left_alone(options: list[str]) -> None:
    assert with_place(DROPOUT, [*options, "--data.dropout", "2"]) == DROPOUT


WRONG = {
    "dropout: 0.2": "dropout: 2",
    "lr: 0.05": "lr: -1.0",
    "momentum: 0.9": "momentum: 1.5",
    "cutout: 4": "cutout: -4",
    "batch_size: 40": "batch_size: 0",
}


@pytest.mark.parametrize("right", WRONG)
def test_whatever_a_config_has_that_cannot_be_is_told_with_its_line_before_anything_is_made(
    right: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    text = TINY_CONFIG.replace("    augmentation", "    batch_size: 40\n    augmentation").replace(right, WRONG[right])
    (tmp_path / "wrong.yaml").write_text(text)
    code, output, errors = command("fit", "--config", tmp_path / "wrong.yaml")
    line = 1 + next(number for number, line in enumerate(text.splitlines()) if WRONG[right] in line)
    assert (code, output) == (2, "")
    assert errors.startswith(f"error: wrong.yaml, line {line}: ")
    assert len(errors.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.yaml"]
