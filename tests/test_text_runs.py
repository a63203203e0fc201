"""Runs on text from the command: they train, resume, test, classify and write; and bad input is one line."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

CHARACTERS = """\
model:
  class_path: lightning_modules.CharRNN
  init_args:
    hidden: 8
    layers: 1
    length: 30
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.01}
data:
  class_path: tests.tiny_text.TinyCorpus
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 2
"""
DOCUMENTS = """\
model:
  class_path: lightning_modules.BagOfNgrams
  init_args:
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.1}
data:
  class_path: tests.tiny_text.TinyDocuments
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 3
"""


@pytest.fixture
def characters(tmp_path: Path) -> Path:
    """A config of a language model."""
    path = tmp_path / "characters.yaml"
    path.write_text(CHARACTERS)
    return path


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A config of a text classifier."""
    path = tmp_path / "documents.yaml"
    path.write_text(DOCUMENTS)
    return path


@pytest.fixture
def written(characters: Path, command: Callable) -> Callable[..., tuple[int, str, str]]:
    """Lets a trained language model go on with a text."""
    code, _, errors = command("fit", "--config", characters, "--run_dir", "run")
    assert code == 0, errors
    return lambda *options: command("predict", "--ckpt_path", "run", *options)


def test_a_language_model_trains_and_says_what_it_has_come_to(characters: Path, command: Callable) -> None:
    code, output, errors = command("fit", "--config", characters, "--run_dir", "run")
    assert code == 0, errors
    assert "SYNTHETIC sentences in place of Anna Karenina" in output
    assert "test characters" in output
    assert "train loss" in output
    assert "bits" in output
    assert "characters/s" in output
    assert "channels last" not in output
    assert "done: best val/loss" in output
    summary = json.loads(Path("run/summary.json").read_text())
    assert {"val/loss", "val/bits", "train/loss", "train/bits"} <= set(summary["metrics"])
    assert {"vocabulary.json", "samples.txt", "gradient_flow.png", "curves.png"} <= {
        p.name for p in Path("run").iterdir()
    }
    code, output, errors = command("test", "--ckpt_path", "run")
    assert code == 0, errors
    assert "test/bits" in output
    code, _, errors = command("fit", "--ckpt_path", "run", "--trainer.max_epochs", 3)
    assert code == 0, errors


def test_a_text_goes_on_by_the_settings_of_the_call(written: Callable) -> None:
    code, output, errors = written("--input", "anna sees", "--model.temperature", 0)
    assert code == 0, errors
    (text,) = [part for part in output.split("\n\n") if part.strip()]
    assert text.startswith("anna sees")
    assert len(text) == len("anna sees") + 30
    again = written("--input", "anna sees", "--model.temperature", 0, "--seed_everything", 1)[1]
    assert again == output, "nothing is left to chance"
    longer = written("--input", "anna sees", "--model.length", 60)[1]
    assert len(longer.strip("\n")) == len("anna sees") + 60
    assert written("--input", "anna sees", "--seed_everything", 1)[1] != written("--input", "anna sees")[1]


def test_texts_are_written_to_a_file_with_what_they_began_with(written: Callable) -> None:
    Path("primes.txt").write_text("anna\nboris\n")
    code, output, errors = written("--input", "primes.txt", "--output", "out.csv")
    assert code == 0, errors
    assert "2 predictions written to" in output
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["prime"] for row in rows] == ["anna", "boris"]
    assert all(row["text"].startswith(row["prime"]) and len(row["text"]) == len(row["prime"]) + 30 for row in rows)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", "Ünïcode"], "'Ü' 'ï': not among the"),
        (["--input", ""], "--input '': is empty"),
        (["--model.temperature", "-1"], "model.temperature is -1.0: out of range"),
        (["--model.top_p", "0"], "model.top_p is 0.0: out of range"),
    ],
)
def test_a_text_that_cannot_go_on_is_one_line(written: Callable, options: list[str], said: str) -> None:
    code, _, errors = written(*options)
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1


def test_a_text_classifier_trains_tests_and_classifies(documents: Path, command: Callable) -> None:
    code, output, errors = command("fit", "--config", documents, "--run_dir", "run")
    assert code == 0, errors
    assert "documents/s" in output
    code, _, errors = command("test", "--ckpt_path", "run")
    assert code == 0, errors
    Path("lines.txt").write_text("the river and the mountain\na team with a goal\n")
    code, output, errors = command("predict", "--ckpt_path", "run", "--input", "lines.txt", "--output", "out.csv")
    assert code == 0, errors
    assert "the river and the mountain  0" in output
    with open("out.csv", newline="") as file:
        assert [row["class"] for row in csv.DictReader(file)] == ["0", "1"]
    code, output, errors = command("predict", "--ckpt_path", "run")
    assert code == 0, errors
    assert "test[0]" in output


def test_options_for_images_say_so(documents: Path, characters: Path, command: Callable) -> None:
    assert command("fit", "--config", documents, "--run_dir", "run")[0] == 0
    code, _, errors = command("test", "--ckpt_path", "run", "--views.flip", "true")
    assert code == 2
    assert "--views: these are for images" in errors
    assert command("fit", "--config", characters, "--run_dir", "text")[0] == 0
    code, _, errors = command("test", "--ckpt_path", "text", "--test_subset.first", 10)
    assert code == 2
    assert "--test_subset.first 10: CharRNN has no accuracy" in errors


def test_a_vocabulary_size_cannot_be_set(documents: Path, command: Callable) -> None:
    code, _, errors = command("fit", "--config", documents, "--model.vocab_size", 9)
    assert code == 2
    assert "model.vocab_size cannot be set: the data gives it" in errors


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "not UTF-8 in line 1"),
        (b"too short", "characters to train on, and a step takes"),
    ],
)
def test_a_file_that_is_no_text_is_one_line_and_leaves_no_run(
    command: Callable, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "own.txt").write_bytes(content)
    code, _, errors = command("fit", "--config", "char_rnn.yaml", "--data.file", "own.txt")
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "runs").exists()
