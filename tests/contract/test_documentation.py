"""The samples of code of the guides do what the guides say."""

import re
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningModule
from torch import nn

import datamodules
from datamodules.images.picture import read_picture
from datamodules.text.documents import Documents
from datamodules.text.encoder import Encoder
from datamodules.text.encoding import Encoding
from engine.runs.checkpoint_io import load_checkpoint
from tests.contract.data import Points
from tests.processes import ROOT
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def samples(page: str) -> list[str]:
    """Returns the samples of Python of a page, from the first to the last."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [dedent(code) for code in re.findall(r"^ *```python\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)]


def executed(*codes: str) -> dict[str, Any]:
    """Executes samples one after the other; returns what they define."""
    names: dict[str, Any] = {"__name__": "documented"}
    for code in codes:
        exec(code, names)
    return names


def test_the_task_of_the_documentation_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task, media, _ = samples("add-a-task.md")
    model = executed(task, media)["WithTable"](optimizer=lambda groups: torch.optim.Adam(groups, 0.01))
    trainer = tiny_trainer(tmp_path, logger=False)
    trainer.fit(model, Points())
    run = trainer.run_folder.path
    assert (run / "metrics.csv").read_text().startswith("epoch,step,seconds,lr,")
    assert len((run / "reconstructed.csv").read_text().splitlines()) == 9
    groups = load_checkpoint(run / "checkpoints" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    assert [group["name"] for group in groups] == ["all"]
    assert {group["name"] for group in model.parameter_groups()} == {"weights", "head", "biases"}
    assert re.search(r"val loss [\d.]+ distance \d\.\d{4}", capsys.readouterr().out)


def test_the_task_of_the_documentation_measures_one_loss_in_training_and_validation() -> None:
    model = executed(samples("add-a-task.md")[0])["Autoencoder"](sparsity=1.0)
    batch = SimpleNamespace(points=torch.randn(8, 2))
    metrics = model.metrics_type()
    model.evaluate(batch, metrics)
    assert metrics.compute()["loss"] == model.training_step(batch, 0)


def test_the_players_of_the_documentation_have_one_optimizer() -> None:
    names = executed(samples("add-a-task.md")[2])
    kept = {name: names[name] for name in ("player", "losses", "training_step", "configure_optimizers")}
    model = type("Players", (LightningModule,), kept | {"loss": lambda self, player, batch: f"loss of {player}"})()
    model.discriminator, model.generator = nn.Linear(2, 1), nn.Linear(3, 2)
    assert [*model.losses(None)] == ["discriminator", "generator"]
    groups = model.configure_optimizers().param_groups
    assert [group["name"] for group in groups] == ["discriminator", "generator"]
    model.player = "discriminator"
    assert model.training_step(None, 0) == "loss of discriminator"


def test_the_data_set_of_the_documentation_passes_its_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data, owned, tests, _ = samples("add-a-dataset.md")
    names = executed(data, owned)
    assert {"data_dir", "labels_file"} <= {*names["paths"]}
    assert {"data_dir", "num_workers"} <= {*names["changeable"]}
    monkeypatch.setattr(datamodules, "SquaresDataModule", names["SquaresDataModule"], raising=False)
    found = [test for name, test in executed(tests).items() if name.startswith("test_")]
    assert len(found) == 2
    for test in found:
        test(tmp_path)


def test_the_captions_of_the_documentation_are_in_a_batch() -> None:
    images = torch.arange(2 * 4 * 4 * 3, dtype=torch.uint8).view(2, 4, 4, 3)
    split = executed(samples("add-a-dataset.md")[3])["CaptionedImages"](images, Documents.of([[5], [6, 7]]))
    index = torch.tensor([1, 0])
    batch = split.batch(images[index], index, {})
    assert batch.captions.tolist() == [[6, 7], [5, 0]]
    assert batch.lengths.tolist() == [2, 1]
    assert batch.index.tolist() == [1, 0]


def test_the_callback_of_the_documentation_trains_the_last_part_first(tmp_path: Path) -> None:
    callback = executed(*samples("add-a-callback.md"))["GradualUnfreezing"](every=1)
    model = tiny_vgg()
    before = {name: value.clone() for name, value in model.named_parameters()}
    tiny_trainer(tmp_path, callbacks=[callback], max_epochs=1, logger=False).fit(model, TinyDataModule())
    changed = {name.partition(".")[0] for name, value in model.named_parameters() if not value.equal(before[name])}
    parts = [name for name, part in model.named_children() if [*part.parameters()]]
    assert len(parts) > 1
    assert changed == {parts[-1]}


def test_the_pictures_of_the_documentation_are_prepared_as_predict_does(tmp_path: Path) -> None:
    pixels = executed(*samples("export-and-serve.md"))["pixels"]
    noise = np.random.default_rng(1).integers(0, 256, (50, 71, 3), np.uint8)
    for turn in (1, 6):  # of EXIF: as it is, and a quarter turn
        exif = Image.Exif()
        exif[274] = turn
        Image.fromarray(noise).save(tmp_path / "a.png", exif=exif)
        expected = read_picture(tmp_path / "a.png", 32, 3, resize=True).pixels
        np.testing.assert_array_equal(pixels(str(tmp_path / "a.png"), 32), expected[None])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lowercase": False, "punctuation": False},
        {"ngrams": 2, "unique": True},
        {"ngrams": 3, "buckets": 100},
        {"max_length": 4, "ngrams": 2},
        {"max_length": 4, "keep": "tail"},
    ],
)
def test_the_texts_of_the_documentation_are_numbered_as_predict_does(settings: dict[str, Any]) -> None:
    tokens = executed(*samples("export-and-serve.md"))["tokens"]
    encoder = Encoder(Encoding(**settings))
    encoder.fit(["A film to see<br />twice.", "It's not a film: it isn't!"])
    for text in ("It's a FILM<BR>to see, twice. ", "Unknown words", ""):
        assert tokens(text, encoder.content()) == encoder.encode(text)


def test_the_measure_of_the_documentation_is_right() -> None:
    names = executed(*samples("add-a-measure.md"))
    assert names["Net"].metrics_type is names["WithTop3"]
    assert [measure.name for measure in names["Net"].measures] == ["loss", "acc", "top3"]
    metrics = names["WithTop3"]()
    logits = torch.tensor([[4.0, 3, 2, 1], [1, 2, 3, 4], [1, 4, 3, 2]])
    metrics.update(logits[:1], torch.tensor([2]), torch.tensor(1.0))
    metrics.update(logits[1:], torch.tensor([0, 1]), torch.tensor(4.0))
    assert {name: value.item() for name, value in metrics.compute().items()} == pytest.approx(
        {"loss": 3.0, "acc": 1 / 3, "top3": 2 / 3}
    )
