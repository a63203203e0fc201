"""What a model makes of text can be read: in the run's folder, in TensorBoard and in Weights & Biases."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.loggers import WandbLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from engine.trainer import Trainer
from lightning_modules import TextCNN
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, tiny_char_rnn


class Told(WandbLogger):
    """Takes the place of Weights & Biases, and notes the tables that it is told."""

    def __init__(self) -> None:
        self.tables: dict[str, tuple[list[str], list[list[Any]]]] = {}

    name = version = save_dir = None
    log_metrics = log_hyperparams = save = finalize = after_save_checkpoint = log_graph = lambda *_, **__: None

    def log_text(self, key: str, columns: Any = None, data: Any = None, **_: object) -> None:
        """Notes a table."""
        self.tables[key] = (columns, data)

    def log_image(self, *_: object, **__: object) -> None:
        """Passes over pictures."""


def board(folder: Path) -> dict[str, str]:
    """Returns the texts that TensorBoard shows."""
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()["tensors"]
    return {tag: events.Tensors(tag)[-1].tensor_proto.string_val[0].decode() for tag in tags}


def classifier() -> TextCNN:
    """Returns a text classifier that is small."""
    torch.manual_seed(0)
    return TextCNN(4, TinyDocuments().vocab_size, embedding=4, filters=4)


@pytest.fixture
def told() -> Told:
    """A logger that notes tables."""
    return Told()


def test_a_language_model_writes_after_every_epoch(tmp_path: Path, told: Told) -> None:
    trainer = tiny_trainer(tmp_path, logger=[told])
    data = TinyCorpus()
    trainer.fit(tiny_char_rnn(), data)
    text = (trainer.run_folder.path / "samples.txt").read_text()
    first, second = text.removeprefix("=== epoch 1\n").split("\n=== epoch 2\n")
    prime = data.first_prime()
    assert first.startswith(prime)
    assert second.startswith(prime)
    assert len(first.strip("\n")) <= len(prime) + 300
    assert first != second
    shown = board(trainer.run_folder.path)["sample/text_summary"]
    assert shown.startswith("    ")
    columns, rows = told.tables["samples"]
    assert columns == ["epoch", "text"]
    assert [row[0] for row in rows] == [1, 2]


def test_writing_leaves_training_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = []
    for name in ("with", "without"):
        if name == "without":
            monkeypatch.setattr("callbacks.media.texts.Texts.on_train_epoch_end", lambda *_: None)
        (tmp_path / name).mkdir()
        trainer: Trainer = tiny_trainer(tmp_path / name, logger=False)
        model = tiny_char_rnn()
        trainer.fit(model, TinyCorpus())
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_classifiers_test_leaves_a_table_of_examples(tmp_path: Path, told: Told) -> None:
    trainer = tiny_trainer(tmp_path, logger=[told], max_epochs=1)
    model, data = classifier(), TinyDocuments()
    trainer.fit(model, data)
    run = trainer.run_folder.path
    assert not (run / "samples.txt").exists()
    trainer.test(model, data, verbose=False)
    with open(run / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    assert [row["text"] for row in rows] == [data.examples[place] for place in range(30)]
    assert [row["truth"] for row in rows] == [str(t) for t in data.splits["test"].targets.tolist()]
    right = sum(row["truth"] == row["class"] for row in rows) / 30
    assert right == pytest.approx(float(trainer.callback_metrics["test/acc"]))
    assert told.tables["predictions"][0][:3] == ["text", "truth", "class"]
    shown = board(run)["predictions/text_summary"].splitlines()
    assert shown[0] == "|text|truth|class|probability|runner-up|its probability|"
    assert len(shown) == 32
    assert (run / "confusion.png").exists()
    assert not (run / "predictions.png").exists()


def test_pictures_have_no_such_table(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    model, data = tiny_vgg(), TinyDataModule()
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
    assert not {"samples.txt", "predictions.csv"} & {path.name for path in trainer.run_folder.path.iterdir()}
