"""A run from Python leaves the same record as one of the command, which goes on from it."""

import importlib
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, Timer
from torch.utils.data import DataLoader

from callbacks import EarlyStopping, NaNGuard, RunCheckpoint
from core.code.known_code import may_be_named
from engine.runs.checkpoint_io import load_checkpoint
from engine.settings.config_files import read_config
from engine.trainer import Trainer
from engine.training.python_runs import python_origin, seed_of_weights
from lightning_modules import VGG, BagOfNgrams
from lightning_modules.schedules import WarmupCosine
from tests.bits import assert_same_bits, figures_of
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer

SIZES = {"num_classes": 5, "image_size": 16, "widths": [8, 8], "convolutions": [1, 1]}
SGD = partial(torch.optim.SGD, lr=0.03, momentum=0.8)


def seeded_vgg(seed: int = 7, **settings: object) -> VGG:
    """Returns a network as a notebook makes it."""
    pl.seed_everything(seed, verbose=False)
    return VGG(**SIZES | {"dropout": 0.2, "optimizer": SGD} | settings)


def fit(root: Path, model: VGG, seed: int = 7, **settings: object) -> Path:
    """Trains as a notebook does; returns the run's folder."""
    trainer = tiny_trainer(root, seed=seed, logger=False, **settings)
    trainer.fit(model, TinyDataModule(batch_size=20))
    return trainer.run_folder.path


def _summary(run: Path) -> dict:
    return json.loads((run / "summary.json").read_text())


class Unmeasured(pl.LightningModule):
    """A network with a number that it is still to measure."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Linear(2, 1)
        self.register_buffer("scale", torch.tensor(torch.nan))


def test_the_config_repeats_the_run_to_the_bit(tmp_path: Path, command: Callable) -> None:
    schedule = lambda optimizer: WarmupCosine(optimizer, warmup=0.2)  # noqa: E731
    run = fit(tmp_path, seeded_vgg(lr_scheduler=schedule), callbacks=[EarlyStopping(patience=3), NaNGuard(False)])
    config, summary = read_config(run / "config.yaml"), _summary(run)
    assert summary["seed"] == config["seed_everything"] == 7
    assert "unrecorded" not in summary
    model = config["model"]["init_args"]
    assert model["optimizer"]["class_path"] == "torch.optim.SGD"
    assert {name: model["optimizer"]["init_args"][name] for name in ("lr", "momentum")} == {"lr": 0.03, "momentum": 0.8}
    assert model["lr_scheduler"]["init_args"] == {"warmup": 0.2, "final": 0.0, "total_steps": None}
    assert config["data"]["init_args"]["batch_size"] == 20
    assert (config["early_stopping"]["patience"], config["nan_guard"]["enabled"]) == (3, False)
    code, _, errors = command("fit", "--config", run / "config.yaml", "--run_dir", "again", "--trainer.logger", "false")
    assert code == 0, errors
    assert figures_of(Path("again/metrics.csv")) == figures_of(run / "metrics.csv")
    ours, theirs = (load_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (run, Path("again")))
    assert_same_bits(ours["state_dict"], theirs["state_dict"], "state_dict")
    assert _summary(Path("again"))["seed"] == 7


def test_the_command_takes_the_run(tmp_path: Path, command: Callable) -> None:
    run = fit(tmp_path, seeded_vgg(), max_epochs=1)
    whole = fit(tmp_path, seeded_vgg(), max_epochs=2)
    for words in (["test"], ["validate"], ["predict"], ["fit", "--trainer.max_epochs", 2]):
        code, _, errors = command(words[0], "--ckpt_path", run, *words[1:])
        assert code == 0, errors
    assert figures_of(run / "metrics.csv") == figures_of(whole / "metrics.csv")
    summary = _summary(run)
    assert summary["seed"] == 7
    assert [bool(session["command"]) for session in summary["sessions"]] == [False, True]
    assert [len(summary[block]) for block in ("tests", "validations")] == [1, 1]
    code, _, errors = command("fit", "--ckpt_path", run, "--data.batch_size", 30)
    assert (code, "this run has 20" in errors) == (2, True)


@pytest.mark.parametrize("seeded", [None, 3])
def test_a_seed_that_does_not_make_the_weights_is_not_recorded(seeded: int | None, tmp_path: Path) -> None:
    model = seeded_vgg(seeded or 7)
    if seeded is None:  # the trainer's seed was set, but the weights were drawn later
        model = VGG(**SIZES)
    run = fit(tmp_path, model, max_epochs=1)
    assert _summary(run)["seed"] is None
    assert read_config(run / "config.yaml")["seed_everything"] == 7, "what the order of the data follows from"


def test_a_number_that_is_not_yet_measured_hides_no_seed() -> None:
    pl.seed_everything(7, verbose=False)
    assert seed_of_weights(Unmeasured(), 7) == 7


def test_looking_for_the_seed_leaves_the_random_streams(tmp_path: Path) -> None:
    model = seeded_vgg()
    before = torch.random.get_rng_state()

    class Look(pl.Callback):
        def setup(self, *_: object, **__: object) -> None:
            assert torch.equal(torch.random.get_rng_state(), before)

    assert _summary(fit(tmp_path, model, callbacks=[Look()], max_epochs=1))["seed"] == 7


def test_a_run_that_goes_on_in_python_keeps_its_seed(tmp_path: Path) -> None:
    run = fit(tmp_path, seeded_vgg(), max_epochs=1)
    tiny_trainer(tmp_path, seed=7, logger=False).fit(seeded_vgg(3), TinyDataModule(batch_size=20), ckpt_path=run)
    summary = _summary(run)
    assert (summary["seed"], len(summary["sessions"]), summary["epochs"]) == (7, 2, 2)
    (run / "summary.json").write_text(json.dumps({key: summary[key] for key in summary if key != "sessions"}))
    trainer = tiny_trainer(tmp_path, seed=7, logger=False, max_epochs=3)
    trainer.fit(seeded_vgg(3), TinyDataModule(batch_size=20), ckpt_path=run)
    assert _summary(run)["seed"] is None, "an earlier release wrote the trainer's, whatever the weights"


@pytest.mark.parametrize("known", ["EMAWeightAveraging", "OneCycleLR"])
def test_what_yaml_does_not_hold_is_named_and_the_run_goes_on_in_python_alone(
    known: str, tmp_path: Path, command: Callable
) -> None:
    if known == "EMAWeightAveraging":
        run = fit(tmp_path, seeded_vgg(), callbacks=[EMAWeightAveraging(decay=0.5), Timer()], max_epochs=1)
    else:
        schedule = partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=99)
        run = fit(tmp_path, seeded_vgg(lr_scheduler=schedule), max_epochs=1)
    assert known in (run / "config.yaml").read_text()
    assert _summary(run)["unrecorded"]
    code, _, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 2)
    assert code == 2
    assert "was made from Python, with what its config.yaml does not hold" in errors
    assert errors.count("\n") == 1
    if known == "EMAWeightAveraging":
        code, _, errors = command("test", "--ckpt_path", run)
        assert code == 0, errors


def test_the_built_in_callbacks_options_are_recorded(tmp_path: Path) -> None:
    keeper = RunCheckpoint("val/loss", every_n_train_steps=5)
    run = fit(tmp_path, seeded_vgg(), callbacks=[keeper], max_epochs=1)
    recorded = read_config(run / "config.yaml")["checkpoint"]
    assert recorded == {"monitor": "val/loss", "mode": None, "every_n_train_steps": 5}


def test_modules_of_another_package_are_recorded(tmp_path: Path, command: Callable) -> None:
    trainer = tiny_trainer(tmp_path, logger=False)
    trainer.fit(PlainModule(), datamodule=PlainData())
    run = trainer.run_folder.path
    config = read_config(run / "config.yaml")
    paths = [config[part]["class_path"] for part in ("model", "data")]
    assert paths == ["tests.plain.PlainModule", "tests.plain.PlainData"]
    code, _, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors


def test_loaders_and_classes_of_a_notebook_are_refused_in_one_line(tmp_path: Path, command: Callable) -> None:
    data = PlainData()
    data.prepare_data()
    data.setup("fit")
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    loader = data.train_dataloader()
    assert isinstance(loader, DataLoader)
    trainer.fit(PlainModule(), loader)
    code, _, errors = command("test", "--ckpt_path", trainer.run_folder.path)
    assert (code, errors.count("\n")) == (2, 1)
    assert "names no data" in errors

    run = fit(tmp_path, seeded_vgg(), max_epochs=1)
    text = (run / "config.yaml").read_text()
    shutil.rmtree(run / "tensorboard", ignore_errors=True)
    (run / "config.yaml").write_text(text.replace("lightning_modules.VGG", "__main__.Net"))
    code, _, errors = command("test", "--ckpt_path", run)
    assert (code, errors.count("\n")) == (2, 1)
    assert "__main__.Net was defined in a notebook or script" in errors


def test_the_trainers_own_arguments_are_recorded(tmp_path: Path) -> None:
    run = fit(tmp_path, seeded_vgg(), gradient_clip_val=0.5, max_epochs=1, limit_train_batches=4)
    recorded = read_config(run / "config.yaml")["trainer"]
    assert (recorded["gradient_clip_val"], recorded["limit_train_batches"], recorded["max_epochs"]) == (0.5, 4, 1)
    assert recorded["precision"] == "32-true"
    assert not {"seed", "run_folder", "logger"} & set(recorded)


class OwnTrainer(Trainer):
    """A trainer of a user's, with a callback of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(callbacks=[Timer(interval="epoch")], **options)


def test_a_trainer_of_a_users_own_records_the_callbacks_that_it_gives(tmp_path: Path) -> None:
    trainer = OwnTrainer(default_root_dir=tmp_path, accelerator="cpu", max_epochs=1, logger=False)
    trainer.strategy._lightning_module, trainer.datamodule = seeded_vgg(), TinyDataModule()
    assert python_origin(trainer, None).unknown[0].startswith("trainer.callbacks pytorch_lightning.callbacks")


def test_files_that_a_model_names_are_recorded_as_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = tiny_trainer(tmp_path, logger=False)
    trainer.strategy._lightning_module = BagOfNgrams(2, 9, embedding=3, embeddings="words/vectors.txt")
    trainer.datamodule = TinyDataModule()
    recorded = python_origin(trainer, None).settings["model"]["init_args"]["embeddings"]
    assert recorded == str(tmp_path / "words" / "vectors.txt")


def test_the_classes_of_a_run_are_the_users_own_once_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from lightning_modules import VGG\n\n\nclass Net(VGG):\n    def __init__(self, other, **settings):\n"
    (tmp_path / "users_net.py").write_text(code + "        super().__init__(**settings)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    net = importlib.import_module("users_net").Net
    trainer = tiny_trainer(tmp_path, max_steps=1, limit_val_batches=0, logger=False)
    assert not may_be_named("users_net.Net")
    trainer.fit(net(other="users_net.Other", **SIZES), TinyDataModule())
    assert may_be_named("users_net.Net")
    assert "users_net.Other" in (trainer.run_folder.path / "config.yaml").read_text()
    assert not may_be_named("users_net.Other"), "a text, which can come from a stranger's checkpoint"
    monkeypatch.delitem(sys.modules, "users_net")
