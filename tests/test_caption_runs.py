"""Runs of captioning from the command: they train, resume, test and describe; and bad input is one line."""

import csv
import json
import re
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from engine.runs.checkpoint_io import load_checkpoint
from lightning_modules import Captioner
from tests.bits import assert_same_bits, figures_of
from tests.pictures import picture
from tests.processes import finish, start_ranks
from tests.tiny_captions import folder_of_captions

pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")

CAPTIONS = """\
model:
  class_path: lightning_modules.TransformerCaptioner
  init_args:
    network: convnet
    frozen: false
    layers: 1
    width: 16
    hidden: 16
    dropout: 0.1
    label_smoothing: 0.1
    beam: 2
    length: 9
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.01}
data:
  class_path: tests.tiny_captions.TinyCaptions
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 2
"""
FOLDER = """\
model:
  class_path: lightning_modules.Captioner
  init_args: {network: convnet, frozen: false, hidden: 5, embedding: 5, length: 8}
data:
  class_path: datamodules.CaptionDataModule
  init_args: {image_size: 16, batch_size: 3, num_workers: 0, encoding: {min_count: 1}}
trainer: {max_epochs: 1, accelerator: cpu, devices: 1, precision: 32-true}
"""
KINDS = ("shuffled", "constant", "person")

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def described(finished_run: Callable[..., Path]) -> Path:
    """A finished run of a small network."""
    return finished_run("run", text=CAPTIONS, name="captions.yaml")


def test_a_run_leaves_pictures_attention_and_scores(described: Path, command: Command) -> None:
    assert {"pictures.png", "attention.png", "vocabulary.json"} <= {path.name for path in described.iterdir()}
    summary = json.loads((described / "summary.json").read_text())
    assert summary["signatures"]["bleu4"].startswith("nrefs:5|")
    figures = summary["last"]["metrics"]
    assert {"train/loss", "train/acc", "val/loss", "val/bleu4", "val/cider_d"} <= figures.keys()
    assert not {"train/bleu4", "val/chrf"} & figures.keys()
    code, output, errors = command("test", "--ckpt_path", described)
    assert code == 0, errors
    assert "note     bleu4: nrefs:5|" in output
    tested = json.loads((described / "summary.json").read_text())["tests"][-1]["metrics"]
    names = {"bleu1", "bleu4", "chrf", "cider_d", "new"}
    names |= {f"{name}_{kind}" for kind in KINDS for name in ("bleu4", "cider_d")}
    assert {f"test/{name}" for name in names} <= tested.keys()
    assert tested["test/cider_d_person"] > 1
    with open(described / "test_captions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == [f"test[{place}]" for place in range(10)]
    assert all(row["captions by people"].count(" | ") == 4 for row in rows)
    code, output, errors = command("validate", "--ckpt_path", described)
    assert code == 0, errors
    assert re.search(r"^val/chrf +\d+\.\d+$", output, re.MULTILINE), output


def test_new_pictures_are_described_in_a_table_and_on_a_page(described: Path, command: Command, tmp_path: Path) -> None:
    for name in ("photos/a.png", "photos/b.png"):
        picture(Path(name), (30, 20))
    Path("photos/broken.png").write_bytes(b"no picture")
    predict = ("predict", "--ckpt_path", described, "--input", "photos")
    code, _, errors = command(*predict, "--output", "out.csv")
    assert code == 2
    assert "1 of 3 inputs cannot be read: photos/broken.png: no picture" in errors
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["photos/a.png", "photos/b.png"]
    Path("photos/broken.png").unlink()
    code, _, errors = command(*predict, "--output", "out.html")
    assert code == 0, errors
    assert Path("out.html").read_text().count("<figure") == 2


def test_a_run_that_is_killed_goes_on_with_the_same_bits(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("captions.yaml").write_text(CAPTIONS)
    killed = ("--trainer.callbacks", "tests.contract.interruptions.KilledAt", "--checkpoint.every_n_train_steps", 3)
    fit = ("fit", "--config", "captions.yaml", "--data.captions_each", 2, "--model.rewarded", 0.4, *killed)
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.copied", (9,))
    code, _, errors = command(*fit, "--run_dir", "whole")
    assert code == 0, errors
    assert load_checkpoint(Path("whole-9/checkpoints/last.ckpt"))["TinyCaptions"]["batch"] > 0, "within an epoch"
    code, _, errors = command("fit", "--ckpt_path", "whole-9")
    assert code == 0, errors
    ours, theirs = (load_checkpoint(Path(name) / "checkpoints" / "last.ckpt") for name in ("whole-9", "whole"))
    assert "reward" in Path("whole/metrics.csv").read_text()
    for name in ("state_dict", "optimizer_states", "TinyCaptions"):
        assert_same_bits(ours[name], theirs[name])
    assert figures_of(Path("whole-9/metrics.csv")) == figures_of(Path("whole/metrics.csv"))


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ("captions", [], "no file of captions in it, such as captions.csv"),
        ("columns", [], "no column of captions (such as caption) in its first line; it has file, words"),
        ("names", [], "none of its 12 pictures has a caption"),
        ("broken", [], "0.png: no picture that can be read; in all, 1 of 12 files"),
        ("", ["--model.beam", "0"], "model.beam is 0: at least 1 and at most 1000"),
        ("", ["--data.val_size", "12"], "too large for 12 training pictures"),
        ("", ["--data.image_size", "8"], "model.network convnet: needs pictures of 16 pixels, not 8"),
        ("", ["--model.vocab_size", "9"], "model.vocab_size cannot be set"),
        ("vocabulary", ["--data.vocabulary", "other.json"], "other.json: holds no vocabulary of captions"),
    ],
)
def test_folders_that_cannot_be_used_are_one_line_and_leave_no_run(
    change: str, options: list[str], said: str, command: Command, tmp_path: Path
) -> None:
    folder = folder_of_captions(tmp_path / "data")
    table = folder / "captions.csv"
    if change == "captions":
        table.unlink()
    elif change == "columns":
        table.write_text(table.read_text().replace("file,caption", "file,words"))
    elif change == "names":
        table.write_text("file,caption\nelsewhere.png,A dog .\n")
    elif change == "broken":
        (folder / "Images" / "0.png").write_bytes(b"no picture")
    elif change == "vocabulary":
        Path("other.json").write_text(json.dumps({"symbols": ["a"]}))
    Path("folder.yaml").write_text(FOLDER)
    code, _, errors = command("fit", "--config", "folder.yaml", *options)
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1
    assert not Path("runs").exists()


def test_what_is_left_out_of_a_folder_is_said(command: Command, tmp_path: Path) -> None:
    folder = folder_of_captions(tmp_path / "data")
    with open(folder / "captions.csv", "a") as file:
        file.write("absent.png,A cat .\n0.png,\n")
    picture(folder / "lonely.png")
    Path("folder.yaml").write_text(FOLDER)
    code, output, errors = command("fit", "--config", "folder.yaml", "--run_dir", "run")
    assert code == 0, errors
    for line in (
        "skipped  empty captions in", "of which there are captions, but no file: 1 (absent.png)",
        "pictures without captions: 1 (lonely.png)",
    ):  # fmt: skip
        assert line in output


def test_pictures_are_kept_in_memory_for_a_test_as_they_are_streamed(command: Command, tmp_path: Path) -> None:
    folder_of_captions(tmp_path / "data")
    Path("folder.yaml").write_text(FOLDER)
    code, _, errors = command("fit", "--config", "folder.yaml", "--run_dir", "run", "--data.test_size", 3)
    assert code == 0, errors
    tested = []
    for stream in ("false", "true"):
        code, output, errors = command("test", "--ckpt_path", "run", "--data.stream", stream)
        assert code == 0, errors
        assert "results are in run" in output
        tested += [json.loads(Path("run/summary.json").read_text())["tests"][-1]["metrics"]]
    assert tested[0] == tested[1]
    code, _, errors = command("fit", "--ckpt_path", "run", "--data.stream", "false", "--trainer.max_epochs", 2)
    assert code == 2
    assert "--data.stream False: this run has True, and cannot change it" in errors


@pytest.mark.skipif(sys.platform != "linux", reason="starts processes as ranks")
def test_two_processes_train_and_measure_as_one_does(tmp_path: Path, command: Command) -> None:
    Path("captions.yaml").write_text(CAPTIONS.replace("dropout: 0.1", "dropout: 0.0"))
    one, two = ("--trainer.devices", 1), ("--trainer.devices", 2, "--trainer.strategy", "ddp")
    # fixed, as its batch norms would see the batches of one process each
    same = ("fit", "--config", "captions.yaml", "--trainer.max_epochs", 1, "--model.frozen", "true")
    same += ("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", 0.1)  # Adam magnifies what is almost 0
    code, output, errors = command(*same, "--run_dir", tmp_path / "one", *one)
    assert code == 0, errors
    assert "of them trainable" in output
    code, output = finish(start_ranks(*same, "--run_dir", tmp_path / "two", *two))
    assert code == 0, output
    ours, theirs = (load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("one", "two"))
    for name, value in ours["state_dict"].items():
        torch.testing.assert_close(theirs["state_dict"][name], value, rtol=1e-3, atol=1e-3, msg=name)
    code, output = finish(start_ranks("test", "--ckpt_path", tmp_path / "two"))
    assert code == 0, output
    code, alone, errors = command("test", "--ckpt_path", tmp_path / "two", *one, "--trainer.strategy", "auto")
    assert code == 0, errors
    figures = [[line for line in text.splitlines() if line.startswith("test/")] for text in (output, alone)]
    assert figures[0] == figures[1]


class ManyPictures:
    """600 pictures to train on, and 3 of them to test; counts how many are in memory."""

    def __init__(self) -> None:
        self.pictures = torch.randn(600, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        self.of = {"train": torch.arange(600), "test": torch.tensor([599, 5, 256])}
        self.read: list[weakref.ref[Tensor]] = []
        self.most = 0

    def picture_names(self, part: str) -> list[str]:
        """Returns the names of the pictures of a part."""
        return [str(place) for place in self.of[part].tolist()]

    def references(self, part: str) -> list[list[str]]:
        """Returns a caption of each picture of a part."""
        return [[name] for name in self.picture_names(part)]

    def batch_of(self, part: str, places: Tensor) -> SimpleNamespace:
        """Returns a batch, after noting how many pictures of earlier ones are still in memory."""
        images = self.pictures[self.of[part][places]]
        self.read.append(weakref.ref(images))
        self.most = max(self.most, sum(len(one()) for one in self.read if one() is not None))
        return SimpleNamespace(images=images)


def test_the_nearest_training_pictures_are_found_batch_by_batch_or_not_looked_for() -> None:
    torch.manual_seed(0)
    data, small = ManyPictures(), {"network": "convnet", "hidden": 6, "embedding": 6}
    network = Captioner(12, 16, **small).eval()
    with torch.no_grad():
        assert network._neighbours(data, [0, 1, 2]) == [["599"], ["5"], ["256"]]
    assert 0 < data.most <= 256
    untouched = ManyPictures()
    assert Captioner(12, 16, frozen=False, **small)._neighbours(untouched, [0, 1, 2]) is None
    assert not untouched.read
