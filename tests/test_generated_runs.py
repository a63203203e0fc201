"""Runs of adversarial networks keep what every run has: exact resume, one count of steps, the guard, and a record."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from engine.runs.checkpoint_io import load_checkpoint
from lightning_modules.tasks.inception import InceptionDistance
from tests.bits import assert_same_bits, figures_of
from tests.generated import GAN_CONFIG, Means
from tests.processes import finish, start_ranks
from tests.style import save_picture

MEDIA = ("generated", "generated_by_epoch", "between_noises", "nearest_training_pictures")
TWO = ("--trainer.devices", 2, "--trainer.strategy", "ddp_find_unused_parameters_true")


@pytest.fixture
def judge(finished_run: Callable) -> Path:
    """A run of a tiny classifier, trained on the same pictures."""
    return finished_run("judge")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The config of a tiny adversarial network."""
    path = tmp_path / "gan.yaml"
    path.write_text(GAN_CONFIG)
    return path


def rows_of(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))


def content(run: Path) -> dict[str, Any]:
    """Returns what a run leaves, but for counts of what was begun, times, and settings that may change."""
    kept: dict[str, Any] = {"metrics": figures_of(run / "metrics.csv")}
    kept |= {name: (run / f"{name}.png").read_bytes() for name in MEDIA}
    for name in ("last.ckpt", "best.ckpt"):
        kept[name] = load_checkpoint(run / "checkpoints" / name)
        del kept[name]["loops"], kept[name]["run_config"]
    return kept


def steps_of_players(checkpoint: dict[str, Any]) -> list[set[int]]:
    """Returns the different numbers of steps that the parameters of each player have made."""
    state, groups = (checkpoint["optimizer_states"][0][name] for name in ("state", "param_groups"))
    return [{int(state[place]["step"]) for place in group["params"]} for group in groups]


def test_a_run_is_measured_by_its_judge_and_shown(config: Path, judge: Path, command: Callable) -> None:
    code, output, errors = command("fit", "--config", config, "--run_dir", "run", "--model.judge", judge)
    assert code == 0, errors
    assert "Frechet distance" in output
    assert "best validation Frechet distance" in output
    rows = rows_of(Path("run"))
    assert [int(row["step"]) for row in rows] == [6, 12]  # one count of steps for two players
    assert {"lr/discriminator", "lr/generator", "train/discriminator", "train/generator"} <= rows[0].keys()
    assert math.isfinite(float(rows[-1]["val/frechet"]))
    sizes = {}
    for name in MEDIA:
        with Image.open(Path("run", f"{name}.png")) as picture:
            sizes[name] = picture.size
    assert sizes == {
        "generated": (5 * 18 - 2, 16 * 18 - 2),  # a column a class
        "generated_by_epoch": (5 * 18 - 2, 2 * 18 - 2),  # a row an epoch
        "between_noises": (10 * 18 - 2, 8 * 18 - 2),
        "nearest_training_pictures": (6 * 18 - 2, 10 * 18 - 2),
    }
    code, output, errors = command("test", "--ckpt_path", "run")
    assert code == 0, errors
    for name in ("frechet", "frechet_floor", "frechet_ceiling", "kernel", "precision", "recall_floor", "asked"):
        assert f"test/{name} " in output
    summary = json.loads(Path("run/summary.json").read_text())
    assert "features of a VGG, digest" in summary["signatures"]["frechet"]
    assert "30 samples in validation, 40 in test" in summary["signatures"]["frechet"]
    measured = summary["tests"][0]["metrics"]
    assert measured["test/frechet_ceiling"] > measured["test/frechet_floor"]
    code, _, errors = command("fit", "--ckpt_path", "run", "--trainer.max_epochs", 3, "--model.judge", "nowhere")
    assert code == 2
    assert "model.judge" in errors


def test_without_a_judge_the_last_weights_are_the_best(config: Path, command: Callable) -> None:
    code, output, errors = command("fit", "--config", config, "--run_dir", "run", "--trainer.max_epochs", 1)
    assert code == 0, errors
    assert "the last epoch counts" in output
    assert "val/frechet" not in rows_of(Path("run"))[0]


@pytest.mark.parametrize("options", [(), ("--model.discriminator_steps", 4), ("--model.noise_per_image", "true")])
def test_a_resumed_run_has_the_same_bits(
    options: tuple, config: Path, judge: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed in the middle of its second epoch, and goes on from the middle of it, by the other loop."""
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.copied", (11,))
    assert command("fit", "--config", config, "--run_dir", "run", "--model.judge", judge, *options)[0] == 0
    code, output, errors = command("fit", "--ckpt_path", "run-11", "--trainer.fast_loop", "false")
    assert code == 0, errors
    assert "resumed  at step 8," in output
    assert_same_bits(content(Path("run-11")), content(Path("run")))


@pytest.mark.parametrize(
    "options",
    [
        ("--model.norm", "none", "--model.r1", 1, "--model.penalty_every", 2, "--model.loss", "non_saturating"),
        ("--model.norm", "none", "--model.gradient_penalty", 10, "--model.loss", "wasserstein"),
        ("--model.loss", "wasserstein"),  # with spectral norms
        ("--model.norm", "batch", "--model.at_once", "true", "--model.loss", "least_squares"),
        ("--trainer.precision", "bf16-mixed", "--trainer.gradient_clip_val", 1),
        ("--trainer.callbacks+", "pytorch_lightning.callbacks.EMAWeightAveraging", "--model.average", 0),
        ("--model", "lightning_modules.GAN", "--model.loss", "original"),
    ],
)
def test_every_way_to_train_is_finite_and_changes_both_players(options: tuple, config: Path, command: Callable) -> None:
    options += ("--trainer.callbacks+", "tests.generated.KeepsBegin", "--trainer.max_epochs", 1)
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", *options)
    assert code == 0, errors
    state = load_checkpoint(Path("run/checkpoints/last.ckpt"))
    after = state["state_dict"]
    assert all(torch.isfinite(value).all() for value in after.values())
    begin = torch.load("begin.ckpt", weights_only=True)
    assert {name.partition(".")[0] for name in begin} == {"discriminator", "generator"}
    unchanged = {name for name, value in begin.items() if torch.equal(after[name], value)}
    # what is added to all scores alike is no part of a difference of scores
    assert unchanged <= ({"discriminator.head.bias"} if "wasserstein" in options else set())
    assert steps_of_players(state) == [{6}, {6}]


@pytest.mark.parametrize("batches", [6, 4, 2])
def test_the_generator_moves_in_every_nth_batch_of_the_run(batches: int, config: Path, command: Callable) -> None:
    """Turns were counted anew in each epoch: with less than n batches in it, the generator never moved."""
    options = ("--trainer.limit_train_batches", batches, "--trainer.max_epochs", 12 // batches)
    moves = ("--model.discriminator_steps", 4, "--model.norm", "none", "--model.r1", 1, "--model.penalty_every", 4)
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", *options, *moves)
    assert code == 0, errors
    rows = rows_of(Path("run"))
    assert sum(bool(row["train/generator"]) for row in rows) == min(3, len(rows))
    assert steps_of_players(load_checkpoint(Path("run/checkpoints/last.ckpt"))) == [{12}, {3}]


def test_the_guard_names_the_layer_of_the_player(config: Path, command: Callable) -> None:
    options = ("--trainer.callbacks+", "tests.generated.Breaks")
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", *options)
    assert code == 1
    assert "the loss of step 3 is not finite" in errors
    assert "first such output in forward order: generator.layers.0 (ConvTranspose2d)" in errors
    assert len(errors.splitlines()) == 1


def test_the_guard_names_the_loss(config: Path, command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_modules.tasks.adversarial.r1_penalty", lambda scores, _: scores.mean() * torch.nan)
    options = ("--model.norm", "none", "--model.r1", 1)
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", *options)
    assert code == 1
    assert "in the loss penalty" in errors


def test_a_test_by_another_judge_says_so(config: Path, judge: Path, finished_run: Callable, command: Callable) -> None:
    options = ("--run_dir", "run", "--model.judge", judge, "--trainer.max_epochs", 1)
    assert command("fit", "--config", config, *options)[0] == 0
    other = finished_run("other", "--seed_everything", 7, "--trainer.max_epochs", 1)
    assert command("test", "--ckpt_path", "run", "--model.judge", other)[0] == 0
    summary = json.loads(Path("run/summary.json").read_text())
    (test,) = summary["tests"]
    assert test["signatures"]["frechet"] != summary["signatures"]["frechet"]
    assert command("test", "--ckpt_path", "run")[0] == 0
    (test,) = json.loads(Path("run/summary.json").read_text())["tests"]
    assert "signatures" not in test


def test_the_fid_is_logged_if_its_network_is_there(
    config: Path, finished_run: Callable, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run("gan", text=GAN_CONFIG, name="gan.yaml")
    code, _, errors = command("test", "--ckpt_path", run, "--model.fid", "true")
    assert code == 2
    assert "model.fid: its Inception network" in errors
    features = Means()
    monkeypatch.setattr(
        "lightning_modules.tasks.judged_generator.InceptionDistance", lambda: InceptionDistance(features)
    )
    code, output, errors = command("test", "--ckpt_path", run, "--model.fid", "true")
    assert code == 0, errors
    assert "test/fid " in output
    text = "40 samples and the first 40 pictures of the test split, too few for 2,048 features"
    assert f"fid      {text}" in output
    (test,) = json.loads((Path(run) / "summary.json").read_text())["tests"]
    assert test["signatures"] == {"fid": text}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--trainer.accumulate_grad_batches", 2), "players cannot accumulate gradients over batches"),
        (("--data.normalization", "channel"), "data.normalization is channel: generated pictures are from -1 to 1"),
        (("--model.judge", "nowhere"), "model.judge"),
        (("--model.norm", "batch", "--model.loss", "wasserstein"), "model.loss is wasserstein: it grows without end"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_run(
    options: tuple, message: str, config: Path, command: Callable
) -> None:
    code, _, errors = command("fit", "--config", config, *options)
    assert code == 2
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert not list(Path("runs").rglob("*.yaml"))


def test_pictures_of_a_folder_are_learned_and_made(config: Path, command: Callable) -> None:
    Path("photos").mkdir()
    for place in range(24):
        save_picture(f"photos/{place}.png", 20, 17, seed=place)
    data = ("--data", "datamodules.PicturesDataModule", "--data.data_dir", "photos", "--data.image_size", 16)
    options = ("--config", config, *data, "--data.batch_size", 8, "--data.val_size", 8)
    code, _, errors = command("fit", *options)
    assert code == 2
    assert errors.splitlines()[-1].endswith("the data has no classes; set --model.conditional false")
    options = (*options, "--model.conditional", "false", "--trainer.max_epochs", 1)
    code, _, errors = command("fit", *options, "--run_dir", "run")
    assert code == 0, errors
    with Image.open("run/generated.png") as grid:
        assert grid.mode == "RGB"
    code, _, errors = command("fit", *options, "--data.normalization", "none")
    assert code == 2
    assert "generated pictures are from -1 to 1; set --data.normalization symmetric" in errors


def test_a_judge_of_other_classes_is_refused(config: Path, judge: Path, command: Callable) -> None:
    code, _, errors = command("fit", "--config", config, "--model.judge", judge, "--data", "tests.tiny.SizedDataModule")
    assert code == 2, errors


def test_two_processes_measure_as_one_does(config: Path, judge: Path, command: Callable) -> None:
    options = ("--config", config, "--run_dir", "run", "--model.judge", judge, "--data.val_size", 33)
    code, output = finish(start_ranks("fit", *options, *TWO, "--trainer.max_epochs", 1))
    assert code == 0, output
    recorded = json.loads(Path("run/summary.json").read_text())["last"]["metrics"]
    one = ("--trainer.devices", 1, "--trainer.strategy", "auto")
    code, output, errors = command("validate", "--ckpt_path", "run/checkpoints/last.ckpt", *one)
    assert code == 0, errors
    figures = dict(line.split()[:2] for line in output.splitlines() if line.startswith("val/"))
    for name in ("frechet", "recall", "coverage", "entropy"):
        assert float(figures[f"val/{name}"]) == pytest.approx(recorded[f"val/{name}"], abs=2e-3)
