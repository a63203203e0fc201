"""What loggers get of a measurement; `tests/engine/runs/test_slurm.py` tests which checkpoint is taken up."""

import csv
from pathlib import Path

import pytest
from pytorch_lightning.loggers import CSVLogger

from core.summary import read_summary
from tests.loggers import Told
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    trainer = tiny_trainer(tmp_path_factory.mktemp("runs"), logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    return trainer.run_folder.path


@pytest.mark.parametrize("stage", ["test", "validate"])
@pytest.mark.parametrize("name", ["best", "last"])
def test_a_measurement_is_logged_at_its_checkpoint(stage: str, name: str, run: Path, tmp_path: Path) -> None:
    """It stood at step 0, before all that `fit` had logged, and the media of a test for longer than its figures."""
    trainer = tiny_trainer(tmp_path, logger=[CSVLogger(tmp_path, name="", version=""), told := Told()])
    getattr(trainer, stage)(tiny_vgg(), TinyDataModule(), ckpt_path=run / "checkpoints" / f"{name}.ckpt", verbose=False)
    with open(tmp_path / "metrics.csv", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    place = read_summary(run / "summary.json")[name]
    assert (int(row["epoch"]), int(row["step"])) == (place["epoch"], place["step"])
    assert set(told.steps.values()) == ({place["step"]} if stage == "test" else set())


def test_weights_of_no_training_are_logged_at_the_beginning(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=CSVLogger(tmp_path, name="", version=""))
    trainer.test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert "\n0,0," in (tmp_path / "metrics.csv").read_text()
