"""Runs of translation from the command: they train, resume, test and translate; and bad input is one line."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits, figures_of
from tests.processes import finish, start_ranks

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")

PAIRS = """\
model:
  class_path: lightning_modules.Seq2Seq
  init_args:
    hidden: 12
    embedding: 12
    dropout: 0.1
    tie: all
    label_smoothing: 0.1
    beam: 2
    length: 25
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.01}
data:
  class_path: tests.tiny_text.TinyPairs
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 2
"""
LETTERS = """\
model:
  class_path: lightning_modules.Seq2Seq
  init_args: {hidden: 5, embedding: 5, layers: 1, scoring: words}
data:
  class_path: datamodules.TranslationDataModule
  init_args:
    train_files: [a.txt, b.txt]
    batch_size: 2
    encoding: {tokenizer: char, size: null}
trainer: {max_epochs: 1, accelerator: cpu, devices: 1, precision: 32-true}
"""

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def translated(finished_run: Callable[..., Path]) -> Path:
    """A finished run of a small network."""
    return finished_run("run", text=PAIRS, name="pairs.yaml")


def test_a_run_leaves_translations_attention_and_signatures(translated: Path, command: Command) -> None:
    assert {"translations.csv", "attention.png", "vocabulary.json"} <= {path.name for path in translated.iterdir()}
    with open(translated / "translations.csv", newline="") as file:
        assert next(csv.DictReader(file)).keys() == {"sentence", "reference", "translation"}
    summary = json.loads((translated / "summary.json").read_text())
    assert summary["signatures"]["bleu_lower"].startswith("nrefs:1|case:lc|eff:no|tok:13a|")
    figures = summary["last"]["metrics"]
    assert {"train/loss", "train/perplexity", "val/loss", "val/bleu", "val/bleu_lower", "val/chrf"} <= figures.keys()
    assert "train/bleu" not in figures
    code, output, errors = command("test", "--ckpt_path", translated)
    assert code == 0, errors
    assert "note     bleu: nrefs:1|case:mixed" in output
    assert {"test/bleu", "test/bleu_interval"} <= _recorded(translated).keys()
    # the test reads whole translations by the beam of the call
    before = _recorded(translated)
    assert command("test", "--ckpt_path", translated, "--model.beam", 1)[0] == 0
    assert _recorded(translated)["test/loss"] == before["test/loss"]


def _recorded(run: Path) -> dict[str, float]:
    return json.loads((run / "summary.json").read_text())["tests"][-1]["metrics"]


def test_texts_and_files_are_translated_alike_in_any_company(translated: Path, command: Command) -> None:
    Path("lines.txt").write_text("The red dog sees Anna.\n\nBoris paints the small house at night.\n")
    predict = ("predict", "--ckpt_path", translated, "--model.beam", 5)
    code, output, errors = command(*predict, "--input", "Hugo finds a boat.", "lines.txt", "--output", "out.csv")
    assert code == 0, errors
    assert "skipped  blank lines in lines.txt: 1 (line 2)" in output
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [
        "Hugo finds a boat.", "The red dog sees Anna.", "Boris paints the small house at night.",
    ]  # fmt: skip
    assert command(*predict, "--input", "The red dog sees Anna.", "--output", "one.csv")[0] == 0
    with open("one.csv", newline="") as file:
        assert list(csv.DictReader(file)) == rows[1:2]
    assert command(*predict, "--input", "Hugo finds a boat.", "lines.txt", "--output", "out.txt")[0] == 0
    assert Path("out.txt").read_text().splitlines() == [row["translation"] for row in rows]
    code, output, errors = command("predict", "--ckpt_path", translated)
    assert code == 0, errors
    assert "test[14]" in output


@pytest.mark.parametrize(("batch_tokens", "killed_at"), [(400, 13), ("null", 17)])
def test_a_run_that_is_killed_goes_on_with_the_same_bits(
    batch_tokens: int | str, killed_at: int, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pairs.yaml").write_text(PAIRS)
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.copied", (killed_at,))
    killed = ("--trainer.callbacks", "tests.contract.interruptions.KilledAt", "--checkpoint.every_n_train_steps", 3)
    short = ("--model.length", 5, "--model.beam", 1)
    fit = ("fit", "--config", "pairs.yaml", "--data.batch_tokens", batch_tokens, *short, *killed)
    code, _, errors = command(*fit, "--run_dir", "whole")
    assert code == 0, errors
    cut, whole = Path(f"whole-{killed_at}"), Path("whole")
    saved = load_checkpoint(cut / "checkpoints" / "last.ckpt")
    assert killed_at - 3 <= saved["global_step"] < killed_at
    assert saved["TinyPairs"]["batch"] > 0, "within an epoch"
    code, _, errors = command("fit", "--ckpt_path", cut)
    assert code == 0, errors
    ours, theirs = (load_checkpoint(run / "checkpoints" / "last.ckpt") for run in (cut, whole))
    assert ours["epoch"] == saved["epoch"] == 1
    for name in ("state_dict", "optimizer_states", "TinyPairs"):
        assert_same_bits(ours[name], theirs[name])
    assert (cut / "translations.csv").read_bytes() == (whole / "translations.csv").read_bytes()
    assert figures_of(cut / "metrics.csv") == figures_of(whole / "metrics.csv")


def test_another_vocabulary_is_refused(translated: Path, command: Command) -> None:
    Path("other.yaml").write_text(PAIRS.replace("TinyPairs", "TinyPairs\n  init_args: {encoding: {size: 150}}"))
    assert command("fit", "--config", "other.yaml", "--run_dir", "other", "--trainer.max_steps", 1)[0] == 0
    code, _, errors = command("fit", "--config", "other.yaml", "--run_dir", "third", "--weights", "run")
    assert code == 2
    assert "--weights run: was trained with other symbols than those of synthetic sentences" in errors
    assert errors.count("\n") == 1
    assert not Path("third").exists()
    # a checkpoint outside of its run's folder knows its symbols, too
    Path("alone.ckpt").write_bytes(Path("run/checkpoints/last.ckpt").read_bytes())
    vocabulary = ("--data.vocabulary", "other/vocabulary.json")
    code, _, errors = command("test", "--config", "pairs.yaml", "--ckpt_path", "alone.ckpt", *vocabulary)
    assert code == 2
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        ({"a.txt": "ab\ncd\n", "b.txt": "ab\n"}, [], "a.txt has 2 lines, and data/b.txt 1: line by line"),
        ({"a.txt": "ab\ncd\n", "b.txt": ""}, [], "b.txt: is empty"),
        ({"a.txt": "\n\n", "b.txt": "\n\n"}, [], "no pair of sentences in it; one of each pair is blank"),
        ({"a.txt": "ab\ncd\n"}, [], "b.txt: cannot be read"),
        (
            {"a.txt": "ab\n" * 9, "b.txt": "ab\n" * 9},
            ["--model.beam", "0"],
            "model.beam is 0: at least 1 and at most 1000",
        ),
        (
            {"a.txt": "ab\n" * 9, "b.txt": "ab\n" * 9},
            ["--data.batch_tokens", "4"],
            "data.batch_tokens is 4: a pair has up to 5 symbols",
        ),
        ({"a.txt": "ab\n" * 9, "b.txt": "ab\n" * 9}, ["--model.vocab_size", "9"], "model.vocab_size cannot be set"),
    ],
)
def test_pairs_that_cannot_be_used_are_one_line_and_leave_no_run(
    files: dict[str, str], options: list[str], said: str, command: Command
) -> None:
    Path("data").mkdir()
    for name, content in files.items():
        (Path("data") / name).write_text(content)
    Path("letters.yaml").write_text(LETTERS)
    code, _, errors = command("fit", "--config", "letters.yaml", *options)
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1
    assert not Path("runs").exists()


def test_words_are_counted_where_they_are_wholly_right(command: Command) -> None:
    Path("data").mkdir()
    for name in ("a.txt", "b.txt"):
        (Path("data") / name).write_text("".join(f"{a}{b}\n" for a in "abcd" for b in "abcd"))
    Path("letters.yaml").write_text(LETTERS)
    swapped = ("--data.train_files", "[b.txt, a.txt]", "--data.val_size", 4)
    code, output, errors = command("fit", "--config", "letters.yaml", "--run_dir", "run", *swapped)
    assert code == 0, errors
    assert "right_unseen" in output
    assert "signatures" not in json.loads(Path("run/summary.json").read_text())


TWO = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu")
ONE = ("--trainer.devices", 1, "--trainer.strategy", "auto")


@pytest.mark.skipif(sys.platform != "linux", reason="starts processes as ranks")
def test_two_processes_train_and_measure_as_one_does(tmp_path: Path, command: Command) -> None:
    Path("pairs.yaml").write_text(PAIRS)
    same = ("fit", "--config", "pairs.yaml", "--model.dropout", 0, "--model.length", 8, "--trainer.max_epochs", 1)
    same += ("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", 0.5)  # Adam hides a factor on gradients
    assert command(*same, "--run_dir", tmp_path / "one")[0] == 0
    code, output = finish(start_ranks(*same, "--run_dir", tmp_path / "two", *TWO))
    assert code == 0, output
    one, two = (load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("one", "two"))
    for name, value in one["state_dict"].items():
        torch.testing.assert_close(two["state_dict"][name], value, rtol=1e-3, atol=1e-3, msg=name)
    code, output = finish(start_ranks("test", "--ckpt_path", tmp_path / "two"))
    assert code == 0, output
    code, alone, errors = command("test", "--ckpt_path", tmp_path / "two", *ONE)
    assert code == 0, errors
    figures = [[line for line in text.splitlines() if line.startswith("test/")] for text in (output, alone)]
    assert figures[0] == figures[1]
