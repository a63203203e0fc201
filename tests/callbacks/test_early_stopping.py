"""Early stopping is off until it is given a patience."""

import json
from pathlib import Path

import pytest

from callbacks import EarlyStopping
from core.errors import InputError
from engine.trainer import Trainer
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

HOPELESS = {"monitor": "val/loss", "mode": "min", "min_delta": 100.0}


def _fit(root: Path, stopping: EarlyStopping, val_size: int = 40, **settings: int) -> Trainer:
    trainer = tiny_trainer(root, max_epochs=4, callbacks=[stopping], logger=False, **settings)
    trainer.fit(tiny_vgg(), TinyDataModule(val_size=val_size))
    return trainer


def _status(trainer: Trainer) -> str:
    return json.loads((trainer.run_folder.path / "summary.json").read_text())["status"]


def test_it_is_off_by_default(tmp_path: Path) -> None:
    trainer = _fit(tmp_path, EarlyStopping(**HOPELESS))
    assert trainer.current_epoch == 4
    assert _status(trainer) == "finished"


@pytest.mark.parametrize(("patience", "epochs"), [(1, 2), (2, 3)])
def test_it_stops_once_patience_is_over(patience: int, epochs: int, tmp_path: Path) -> None:
    trainer = _fit(tmp_path, EarlyStopping(patience, **HOPELESS))
    assert trainer.current_epoch == epochs
    assert _status(trainer) == "stopped_early"
    assert (trainer.run_folder.path / "checkpoints" / "last.ckpt").exists()


def test_it_does_not_stop_a_run_that_improves(tmp_path: Path) -> None:
    trainer = _fit(tmp_path, EarlyStopping(1, "val/loss", "min", min_delta=-100.0))
    assert _status(trainer) == "finished"


@pytest.mark.parametrize(
    ("val_size", "settings", "reason"),
    [
        (0, {}, "there is no validation"),
        (40, {"limit_val_batches": 0}, "there is no validation"),
        (40, {"check_val_every_n_epoch": 5}, "no validation takes place in 4 epochs"),
    ],
    ids=["no split", "no batches", "no epoch"],
)
def test_without_validation_it_is_refused(val_size: int, settings: dict[str, int], reason: str, tmp_path: Path) -> None:
    """It was silently off."""
    with pytest.raises(InputError, match=f"--early_stopping.patience 1: {reason}"):
        _fit(tmp_path, EarlyStopping(1, **HOPELESS), val_size, **settings)
    assert not (tmp_path / "runs").exists()


def test_the_configured_patience_wins_over_the_checkpoint() -> None:
    old, new = EarlyStopping(5), EarlyStopping(2)
    old.wait_count = 3
    new.load_state_dict(old.state_dict())
    assert (new.patience, new.wait_count) == (2, 3)


def test_a_negative_patience_is_refused() -> None:
    with pytest.raises(InputError, match="patience -1: at least 0 is needed"):
        EarlyStopping(-1)
