"""Media after every epoch, and of texts: in the run's folder, in TensorBoard and in Weights & Biases."""

import csv
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging

from callbacks import EpochMedia, FitMedia
from core.media import Grid
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from lightning_modules import TextCNN
from tests.generating import TinyGenerator, TinyNoise
from tests.loggers import Told, images_on_board, texts_on_board
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, tiny_char_rnn


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
    first, second = text.removeprefix("=== epoch 0\n").split("\n=== epoch 1\n")
    prime = data.first_prime()
    assert first.startswith(prime)
    assert second.startswith(prime)
    assert len(first.strip("\n")) <= len(prime) + 300
    assert first != second
    shown = texts_on_board(trainer.run_folder.path)["sample/text_summary"]
    assert shown.startswith("    ")
    columns, rows = told.tables["samples"]
    assert columns == ["epoch", "text"]
    assert [row[0] for row in rows] == [0, 1]


def test_writing_leaves_training_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = []
    for name in ("with", "without"):
        if name == "without":
            monkeypatch.setattr("callbacks.media_after_epoch.EpochMedia.on_train_epoch_end", lambda *_: None)
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
    shown = texts_on_board(run)["predictions/text_summary"].splitlines()
    assert shown[0] == "|text|truth|class|probability|runner-up|its probability|"
    assert len(shown) == 32
    assert (run / "confusion.png").exists()
    assert not (run / "predictions.png").exists()


def test_a_model_is_not_given_its_averages_where_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """All weights were copied twice an epoch."""
    monkeypatch.setattr("callbacks.media_after_epoch.averaged", lambda *_: pytest.fail("it was"))
    trainer = SimpleNamespace(is_global_zero=True, datamodule=TinyDataModule())
    EpochMedia().on_train_epoch_end(trainer, tiny_vgg())


def test_pictures_have_no_such_table(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    model, data = tiny_vgg(), TinyDataModule()
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
    assert not {"samples.txt", "predictions.csv"} & {path.name for path in trainer.run_folder.path.iterdir()}


def test_a_generating_model_shows_a_grid_of_images_after_every_epoch(tmp_path: Path, told: Told) -> None:
    """The model and its data know nothing of the project but the media and the protocol."""
    trainer = tiny_trainer(tmp_path, logger=[told], max_epochs=3)
    trainer.fit(TinyGenerator(), datamodule=TinyNoise())
    run = trainer.run_folder.path
    with Image.open(run / "generated.png") as picture:
        assert (picture.size, picture.mode) == ((4 * 10 - 2, 3 * 10 - 2), "L")
        newest = np.asarray(picture)
    assert newest.std() > 0
    shown = images_on_board(run)["generated"]
    assert [step for step, _ in shown] == [5, 10, 15], "TensorBoard keeps the grid of every epoch"
    assert np.array_equal(shown[-1][1][..., 0], newest)
    assert not np.array_equal(shown[0][1], shown[1][1])
    assert told.images == ["generated"] * 3 + ["curves"]


def test_generating_leaves_training_as_it_is_and_is_the_same_in_every_run(tmp_path: Path) -> None:
    grids, weights = [], []
    for name, shows in (("first", True), ("second", True), ("without", False)):
        (tmp_path / name).mkdir()
        model = TinyGenerator(shows)
        trainer = tiny_trainer(tmp_path / name, logger=False, max_epochs=2)
        trainer.fit(model, datamodule=TinyNoise())
        weights.append(model.state_dict())
        if shows:
            grids.append((trainer.run_folder.path / "generated.png").read_bytes())
    assert grids[0] == grids[1]
    assert all(torch.equal(weights[0][key], weights[2][key]) for key in weights[0])


class Weights(Callback):
    """Keeps the weights after each epoch."""

    def __init__(self) -> None:
        self.after: list[torch.Tensor] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps them."""
        self.after.append(pl_module.layers[0].weight.detach().clone())


class ShowsWeights(TinyGenerator):
    """Keeps the weights of which it shows media."""

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Grid]:
        """Keeps them, and yields nothing."""
        self.shown = [*vars(self).get("shown", []), self.layers[0].weight.detach().clone()]
        yield from ()


def test_media_are_of_averages_as_validation_is(tmp_path: Path) -> None:
    trained = []
    for name, shows in (("with", True), ("without", False)):
        (tmp_path / name).mkdir()
        averaging, weights = EMAWeightAveraging(decay=0.5), Weights()
        model = ShowsWeights() if shows else TinyGenerator(shows=False)
        trainer = tiny_trainer(tmp_path / name, logger=False, callbacks=[averaging, weights])
        trainer.fit(model, datamodule=TinyNoise())
        trained.append(weights.after)
        if shows:
            assert torch.equal(model.shown[-1], averaging._average_model.module.layers[0].weight)
            assert not torch.equal(model.shown[-1], weights.after[-1])
    assert all(torch.equal(*pair) for pair in zip(*trained, strict=True))


def test_checkpoints_keep_texts_under_the_key_that_they_have_always_had() -> None:
    media = EpochMedia()
    assert media.state_key == "Texts"
    assert media.state_dict() == {"samples": []}
    for begin in (0, 1):  # an earlier release counted from 1
        media.load_state_dict({"samples": [[begin, "once"], (begin + 1, "twice")], "others": []})
        assert media.state_dict() == {"samples": [(0, "once"), (1, "twice")], "others": []}
    # what a model made of its own had the epochs that it gave
    media.load_state_dict({"notes": [(1, "once"), (3, "twice")]})
    assert media.state_dict() == {"notes": [(1, "once"), (3, "twice")]}
    assert FitMedia().state_key == "GradientFlow"


def test_a_resumed_run_continues_its_file_of_samples(tmp_path: Path) -> None:
    """It is cut within the second epoch, which has its text anew once it is over."""
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(tiny_char_rnn(), TinyCorpus())
    run, steps = trainer.run_folder.path, trainer.global_step
    texts = [(run / "samples.txt").read_text()]
    for length in ({"max_steps": steps + 3}, {}):
        again = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run), max_epochs=2, **length)
        again.fit(tiny_char_rnn(), TinyCorpus(), ckpt_path=run / "checkpoints" / "last.ckpt")
        texts.append((run / "samples.txt").read_text())
    first, cut, whole = texts
    assert cut != whole
    for text in (cut, whole):
        assert text.startswith(f"{first}\n=== epoch 1\n")
        assert text.count("=== epoch") == 2
