"""Runs on text from the command: they train, resume, test, classify and write; and bad input is one line."""

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer

from datamodules.text.documents import Documents
from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits, figures_of
from tests.contract.interruptions import KilledAt
from tests.processes import finish, start_ranks
from tests.tiny_text import CHARACTERS, DOCUMENTS


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
def read(finished_run: Callable[..., Path]) -> Path:
    """A finished run of the text classifier."""
    return finished_run("run", text=DOCUMENTS, name="documents.yaml")


@pytest.fixture
def written(finished_run: Callable[..., Path], command: Callable) -> Callable[..., tuple[int, str, str]]:
    """Lets a trained language model continue a text."""
    finished_run("run", text=CHARACTERS, name="characters.yaml")
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
    assert {"val/loss", "val/bits", "train/loss", "train/bits"} <= set(summary["last"]["metrics"])
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
        (["--model.temperature", "-1"], "model.temperature is -1: at least 0 and at most 1e+30 is needed"),
        (["--model.top_p", "0"], "model.top_p is 0: more than 0 and at most 1 is needed"),
    ],
)
def test_a_text_that_cannot_go_on_is_one_line(written: Callable, options: list[str], said: str) -> None:
    code, _, errors = written(*options)
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1


def test_one_bad_text_does_not_cost_the_others(read: Path, command: Callable) -> None:
    Path("good.txt").write_text("the river and the mountain\n\n=the team\n")
    Path("bad.txt").write_bytes(b"\xff\xfe\xff")
    words = ("predict", "--ckpt_path", read, "--input", "good.txt", "bad.txt", "-a \x1b[31mgoal")
    code, output, errors = command(*words, "--output", "out.csv")
    assert code == 2
    assert errors.startswith("error: 1 of 4 inputs cannot be read: bad.txt: not UTF-8 in line 1")
    assert "skipped  blank lines in good.txt: 1 (line 2)" in output
    assert "\x1b" not in output
    with open("out.csv", newline="") as file:
        given = [row["text"] for row in csv.DictReader(file)]
    assert given == ["the river and the mountain", "'=the team", "'-a \x1b[31mgoal"]
    code, output, errors = command("predict", "--ckpt_path", read, "--input", "the river", "qzx zxq", "?!")
    assert code == 0, errors
    unknown = "2 of 3 texts have no symbol of the vocabulary, so that their classes say nothing; the first is 'qzx zxq'"
    assert unknown in output
    assert "have no symbol" not in command("predict", "--ckpt_path", read, "--input", "the river")[1]
    code, _, errors = command("predict", "--ckpt_path", read, "--input", "reviws.txt")
    assert (code, errors) == (2, "error: --input reviws.txt: no such file\n")


def test_texts_are_classified_by_length_and_shown_in_order(
    read: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of texts of any lengths was padded to the longest of them."""
    words, lengths = ["the", "river", "and", "the", "mountain", "of", "a", "team", "with", "no", "goal"], []
    Path("lines.txt").write_text("".join(f"{' '.join(words[:length])}\n" for length in (7, 2, 11, 3, 9)))
    gather = Documents.gather

    def noted(documents: Documents, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        lengths.append(documents.lengths[index].tolist())
        return gather(documents, index)

    monkeypatch.setattr(Documents, "gather", noted)
    predict = ("predict", "--ckpt_path", read, "--input", "lines.txt", "--output", "out.csv")
    predict = (*predict, "--data.eval_batch_size", 2)
    rows = []
    for options in ((), ("--trainer.limit_predict_batches", 3)):  # those that a limit leaves are the first ones
        code, _, errors = command(*predict, *options)
        assert code == 0, errors
        with open("out.csv", newline="") as file:
            rows.append(list(csv.DictReader(file)))
    assert lengths == [[2, 3], [7, 9], [11], [7, 2], [11, 3], [9]]
    assert [len(row["text"].split()) for row in rows[0]] == [7, 2, 11, 3, 9]
    for ours, theirs in zip(*rows, strict=True):
        assert (ours["text"], ours["class"]) == (theirs["text"], theirs["class"])
        assert float(ours["probability"]) == pytest.approx(float(theirs["probability"]), abs=2e-4)


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


def test_options_for_images_say_so(read: Path, finished_run: Callable[..., Path], command: Callable) -> None:
    code, _, errors = command("test", "--ckpt_path", "run", "--views.flip", "true")
    assert code == 2
    assert "--views: these are for images" in errors
    finished_run("text", text=CHARACTERS, name="characters.yaml")
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
        (b"\xff\xff", "not UTF-8 in line 1"),
        (b"too short", "has 9 characters, 7 of them to train on, and a step takes"),
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


def test_a_network_that_reads_text_goes_on_from_weights_with_its_own_symbols(
    read: Path, documents: Path, command: Callable
) -> None:
    Path("texts").mkdir()
    lines = [f"{['river storm', 'team goal'][i % 2]} number {i}\t{['nature', 'sports'][i % 2]}" for i in range(40)]
    Path("texts/own.txt").write_text("\n".join(lines))
    Path("own.yaml").write_text(
        "model: {class_path: lightning_modules.BagOfNgrams, init_args: {embedding: 0}}\n"
        "data:\n  class_path: datamodules.TextClassificationDataModule\n"
        "  init_args: {data_dir: texts, train_file: own.txt, val_size: 8, batch_size: 8}\n"
        "trainer: {max_epochs: 1, accelerator: cpu, devices: 1, precision: 32-true}\n"
    )
    tune = ("fit", "--config", "own.yaml", "--run_dir", "tuned", "--weights", "run")
    code, _, errors = command(*tune)
    assert code == 2
    assert (
        "--weights run: was trained with other symbols than those of texts; use its own: --data.vocabulary run"
        in errors
    )
    assert not Path("tuned").exists()
    code, _, errors = command(*tune, "--data.vocabulary", "run")
    assert code == 2, "weights of four classes fit no two, and are all that this network has"
    assert "nothing in it fits this model" in errors
    net = ("--model.embedding", 8)
    assert command("fit", "--config", documents, "--run_dir", "wide", *net)[0] == 0
    code, output, errors = command(*tune[:-1], "wide", "--data.vocabulary", "wide", *net)
    assert code == 0, errors
    assert "skipped head.weight: [4, 8] there, [2, 8] in the model" in output
    saved = json.loads(Path("tuned/vocabulary.json").read_text())
    assert saved["class_names"] == ["nature", "sports"]
    assert saved["symbols"] == json.loads(Path("wide/vocabulary.json").read_text())["symbols"]
    code, output, errors = command("predict", "--ckpt_path", "tuned", "--input", "the river")
    assert code == 0, errors
    assert "nature" in output


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        ({"a.txt": "one\t0\ntwo"}, [], "a.txt, line 2: no tab between text and label"),
        ({"a.txt": "one\t0\ntwo\t0"}, ["--data.label_column", "1"], "all training documents have the label 0"),
        ({"a.txt": ""}, [], "a.txt: is empty"),
        (
            {"a.txt": "one\t0\ntwo\t1", "b.txt": "one\t2"},
            ["--data.label_column", "1", "--data.test_file", "b.txt"],
            "label '2' is not",
        ),
        ({}, [], "a.txt: no such file"),
    ],
)
def test_documents_that_cannot_be_used_are_one_line_and_leave_no_run(
    command: Callable, tmp_path: Path, files: dict[str, str], options: list[str], said: str
) -> None:
    (tmp_path / "texts").mkdir()
    for name, content in files.items():
        (tmp_path / "texts" / name).write_text(content)
    (tmp_path / "own.yaml").write_text(
        "model: {class_path: lightning_modules.BagOfNgrams}\n"
        "data:\n  class_path: datamodules.TextClassificationDataModule\n"
        "  init_args: {data_dir: texts, train_file: a.txt, batch_size: 1}\n"
    )
    code, _, errors = command("fit", "--config", "own.yaml", *options)
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "runs").exists()


TWO = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu")
ONE = ("--trainer.devices", 1, "--trainer.strategy", "auto")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


class CopiedWithinItsEpoch(KilledAt):
    """Copies the run's folder as a kill of both processes would leave it."""

    copied = (23,)

    def on_train_batch_end(self, trainer: Trainer, *arguments: Any) -> None:
        """Copies it by one process alone."""
        if trainer.is_global_zero:
            super().on_train_batch_end(trainer, *arguments)


def assert_close(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Compares weights and carried states of two checkpoints, but for rounding."""
    for name, value in theirs["state_dict"].items():
        torch.testing.assert_close(ours["state_dict"][name], value, rtol=1e-3, atol=1e-4, msg=name)
    for one, other in zip(ours["carried"][0], theirs["carried"][0], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@on_linux
def test_two_processes_carry_their_rows_states_and_train_and_go_on_as_one_does(
    characters: Path, tmp_path: Path, command: Callable
) -> None:
    fit = ("fit", "--config", characters, "--trainer.max_epochs", 1)
    fit += ("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", 0.5)  # Adam hides a factor on gradients
    assert command(*fit, "--run_dir", tmp_path / "one")[0] == 0
    copied = ("--trainer.callbacks", f"{__name__}.CopiedWithinItsEpoch", "--checkpoint.every_n_train_steps", 10)
    code, output = finish(start_ranks(*fit, "--run_dir", tmp_path / "two", *TWO, *copied))
    assert code == 0, output
    one, two = (load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("one", "two"))
    assert_close(two, one)

    killed = load_checkpoint(tmp_path / "two-23" / "checkpoints" / "last.ckpt")
    assert (killed["global_step"], killed["epoch"]) == (20, 0)
    assert [tensor.shape for tensor in killed["carried"][0]] == [(4, 8), (4, 8)], "the rows of both"
    shutil.copytree(tmp_path / "two-23", tmp_path / "alone")
    code, output = finish(start_ranks("fit", "--ckpt_path", tmp_path / "two-23"))
    assert code == 0, output
    resumed = load_checkpoint(tmp_path / "two-23" / "checkpoints" / "last.ckpt")
    for part in ("state_dict", "optimizer_states", "carried", "TinyCorpus"):
        assert_same_bits(resumed[part], two[part], part)
    assert figures_of(tmp_path / "two-23" / "metrics.csv") == figures_of(tmp_path / "two" / "metrics.csv")
    code, _, errors = command("fit", "--ckpt_path", tmp_path / "alone", *ONE)
    assert code == 0, errors
    assert_close(load_checkpoint(tmp_path / "alone" / "checkpoints" / "last.ckpt"), one)

    Path("primes.txt").write_text("anna\nboris\nclara\n")
    predict = ("predict", "--ckpt_path", tmp_path / "two", "--input", "primes.txt", "--model.temperature", 0)
    code, output = finish(start_ranks(*predict, "--output", "two.csv"))
    assert code == 0, output
    assert command(*predict, "--output", "one.csv", *ONE)[0] == 0
    assert Path("two.csv").read_text() == Path("one.csv").read_text()


@on_linux
def test_two_processes_measure_documents_as_one_does(documents: Path, tmp_path: Path, command: Callable) -> None:
    run = tmp_path / "run"
    code, output = finish(start_ranks("fit", "--config", documents, "--run_dir", run, *TWO))
    assert code == 0, output
    code, two = finish(start_ranks("test", "--ckpt_path", run))
    assert code == 0, two
    shown = (run / "predictions.csv").read_text()
    code, one, errors = command("test", "--ckpt_path", run, *ONE)
    assert code == 0, errors
    figures = [[line for line in output.splitlines() if line.startswith("test/")] for output in (one, two)]
    assert figures[0] == figures[1]
    assert (run / "predictions.csv").read_text() == shown
