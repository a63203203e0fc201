"""The subcommand `lr_find`: its record, which repeats it, and that it leaves everything else as it was."""

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from callbacks.range_test import RangeTest
from tests.plain import PlainModule

Command = Callable[..., tuple[int, str, str]]
SHORT = ("--steps", 40, "--min_lr", 1e-4, "--max_lr", 10)


class OneCycleModule(PlainModule):
    """A module of another package, with a schedule over the run's length."""

    def configure_optimizers(self) -> tuple[list[Optimizer], list[LRScheduler]]:
        """Returns optimizer and schedule."""
        optimizer = SGD(self.parameters(), 0.01)
        return [optimizer], [OneCycleLR(optimizer, 0.01, total_steps=self.trainer.estimated_stepping_batches)]


@pytest.fixture
def found(config: Path, command: Command) -> tuple[Path, str]:
    """The folder of a test of the tiny config, and what it printed."""
    code, output, errors = command("lr_find", "--config", config, *SHORT, "--run_dir", "found")
    assert code == 0, errors
    return Path("found"), output


def test_it_prints_and_records_a_suggestion(found: tuple[Path, str], rendered: None) -> None:
    folder, output = found
    record = json.loads((folder / "lr_find.json").read_text())
    lines = output.splitlines()
    assert [line.split()[0] for line in lines] == ["data", "model", "device", "loss", "suggest", "plot"]
    assert f"--model.optimizer.lr {record['suggested']:g}, " in lines[-2]
    assert record["configured"] == 0.05
    assert record["session"]["command"].startswith("python cli.py lr_find --config ")
    assert {"data", "model", "hardware", "versions", "seed", "precision"} <= record.keys()
    with open(folder / "lr_find.csv") as file:
        rows = list(csv.DictReader(file))
    assert 10 <= len(rows) <= 40
    assert float(rows[0]["lr"]) == pytest.approx(1e-4)
    assert {path.name for path in folder.iterdir()} == {"lr_find.png", "lr_find.csv", "lr_find.json", "settings.yaml"}


def test_callbacks_that_are_for_whole_runs_do_nothing(config: Path, command: Command) -> None:
    """They ask for a logger or a validation, end the run, or save or describe its checkpoints."""
    given: list[object] = []
    for name in ("EMAWeightAveraging", "LearningRateMonitor", "ModelCheckpoint", "EarlyStopping"):
        given += ["--trainer.callbacks+", f"pytorch_lightning.callbacks.{name}"]
    given += ["--trainer.callbacks.monitor", "val/loss"]
    given += [
        "--trainer.callbacks+",
        "pytorch_lightning.callbacks.Timer",
        "--trainer.callbacks.duration",
        "00:00:00:00",
    ]
    before = {*Path().rglob("*")}
    code, output, errors = command("lr_find", "--config", config, *SHORT, "--run_dir", "found", *given)
    assert code == 0, errors
    assert "averaged weights" not in output
    assert "ended " not in output
    made = {path.name for path in {*Path().rglob("*")} - before}
    assert made == {"found", "lr_find.png", "lr_find.csv", "lr_find.json", "settings.yaml"}


def test_its_settings_repeat_it(found: tuple[Path, str], command: Command) -> None:
    settings = found[0] / "settings.yaml"
    assert yaml.safe_load(settings.read_text())["model"]["init_args"]["lr_scheduler"] is not None
    code, _, errors = command("lr_find", "--config", settings, *SHORT)
    assert code == 0, errors
    (again,) = Path("runs/lr_find/settings").iterdir()
    assert (again / "lr_find.csv").read_bytes() == (found[0] / "lr_find.csv").read_bytes()
    assert not Path("runs/settings").exists()


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--max_lr", "1e-9"), 2, "--max_lr 1e-09: must be above --min_lr 1e-07"),
        (("--trainer.overfit_batches", "2"), 2, "--trainer.overfit_batches: lr_find is to see new batches"),
        (("--trainer.fast_dev_run", "2"), 2, "--trainer.fast_dev_run: lr_find makes as many steps as --steps says"),
        (("--trainer.limit_train_batches", "0"), 2, "--trainer.limit_train_batches 0: lr_find makes as many"),
        (("--steps", "3"), 2, "--steps is 3: at least 20"),
        (
            ("--min_lr", "1e-9", "--max_lr", "1e-8", "--steps", "20"),
            1,
            "no rate from 1e-09 to 1e-08 makes the loss fall",
        ),
        (("--ckpt_path", "runs/mlp"), 2, "lr_find: begins anew; --weights runs/mlp starts from a run's weights"),
        (("--resume", "auto"), 2, "lr_find: begins anew; --resume is for fit"),
        (("--model.optimizer.lr", "0"), 2, "the configured learning rate is 0"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    options: tuple[str, ...], code: int, reason: str, config: Path, command: Command
) -> None:
    ended, _, errors = command("lr_find", "--config", config, *options)
    assert ended == code
    assert reason in errors
    assert errors.count("\n") == 1
    assert not Path("runs").exists()


def test_an_interrupted_test_says_that_nothing_is_kept(
    config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = RangeTest._is_worse

    def interrupted(test: RangeTest, loss: float) -> bool:
        if len(test.rates) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return worse(test, loss)

    monkeypatch.setattr(RangeTest, "_is_worse", interrupted)
    code, output, errors = command("lr_find", "--config", config, *SHORT, "--run_dir", "found")
    assert (code, errors) == (130, "")
    assert output.splitlines()[-1].startswith("interrupted: nothing is kept of a test that has not ended")
    assert not Path("found").exists()


def test_a_module_may_ask_for_the_length_of_the_run(tmp_path: Path, command: Command) -> None:
    Path("config.yaml").write_text(
        "model: {class_path: tests.engine.cli.test_lr_find.OneCycleModule}\ndata: {class_path: tests.plain.PlainData}\n"
        "trainer: {accelerator: cpu, devices: 1, max_epochs: 1}\n"
    )
    code, _, errors = command("lr_find", "--config", "config.yaml", "--min_lr", 1e-4, "--max_lr", 0.1, "--steps", 40)
    assert code == 0, errors
    (folder,) = Path("runs/lr_find/config").iterdir()
    assert len((folder / "lr_find.csv").read_text().splitlines()) == 1 + 40


def test_adversarial_networks_are_refused(few_samples: None, command: Command) -> None:
    given = ("--config", "published/gan_mnist_mlp.yaml", "--data.source", "synthetic", "--data.batch_size", 5)
    code, _, errors = command("lr_find", *given)
    assert code == 2
    assert "by several players" in errors
