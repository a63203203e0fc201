"""Plateau schedules step with validation, and in the direction in which their value is better."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.cli import ReduceLROnPlateau

from core.errors import InputError
from lightning_modules.tasks.plateau import of_first
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.mark.parametrize(("val_size", "settings"), [(0, {}), (40, {"limit_val_batches": 0})])
def test_a_plateau_without_validation_is_refused(val_size: int, settings: dict[str, int], tmp_path: Path) -> None:
    plateau = partial(torch.optim.lr_scheduler.ReduceLROnPlateau, patience=0)
    with pytest.raises(InputError, match="needs a validation split"):
        tiny_trainer(tmp_path, **settings).fit(tiny_vgg(lr_scheduler=plateau), TinyDataModule(val_size=val_size))
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").rglob("*.ckpt"))


def test_a_plateau_looks_at_epochs_that_validate_alone(tmp_path: Path) -> None:
    hopeless = partial(torch.optim.lr_scheduler.ReduceLROnPlateau, patience=0, threshold=10.0, factor=0.5)
    trainer = tiny_trainer(tmp_path, max_epochs=5, check_val_every_n_epoch=2)
    trainer.fit(tiny_vgg(lr_scheduler=hopeless), TinyDataModule())
    assert trainer.lr_scheduler_configs[0].scheduler.last_epoch == 2


@pytest.mark.parametrize(("monitor", "mode", "other"), [("val/acc", "min", "max"), ("val/loss", "max", "min")])
def test_a_plateau_that_waits_for_the_worse_direction_is_refused(monitor: str, mode: str, other: str) -> None:
    schedule = partial(ReduceLROnPlateau, monitor=monitor, mode=mode)
    line = rf"^--model\.lr_scheduler\.mode {mode}: .* of {monitor} is better; give {other}$"
    with pytest.raises(InputError, match=line):
        tiny_vgg(lr_scheduler=schedule).configure_optimizers()
    right = tiny_vgg(lr_scheduler=partial(ReduceLROnPlateau, monitor=monitor, mode=other))
    assert right.configure_optimizers()["lr_scheduler"]["monitor"] == monitor


@pytest.mark.parametrize("own", [0.5, None])
def test_of_several_processes_the_first_has_the_value(own: float | None) -> None:
    alone = SimpleNamespace(world_size=1)
    assert of_first(alone, own) is own
    second = SimpleNamespace(world_size=2, strategy=SimpleNamespace(broadcast=lambda value: 0.25))
    assert of_first(second, own) == 0.25
