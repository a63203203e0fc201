"""What a step draws depends on where the step is, not on what was drawn before."""

from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback

from engine.trainer import Trainer
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Draw(Callback):
    """Draws some numbers in every step, and wastes some between them."""

    def __init__(self, waste: int = 0) -> None:
        self.waste = waste
        self.drawn: list[float] = []

    def on_before_backward(self, *_: object) -> None:
        self.drawn.append(torch.rand(1).item())

    def on_train_batch_end(self, *_: object) -> None:
        torch.rand(self.waste)


def _draw(root: Path, waste: int = 0, seed: int = 0, **settings: object) -> list[float]:
    draw = Draw(waste)
    trainer: Trainer = tiny_trainer(root, logger=False, callbacks=[draw], seed=seed, **settings)
    trainer.fit(tiny_vgg(), TinyDataModule())
    return draw.drawn


def test_every_step_draws_other_numbers(tmp_path: Path) -> None:
    assert len(set(_draw(tmp_path))) == 12


@pytest.mark.parametrize("settings", [{"waste": 7}, {"limit_val_batches": 0}, {"val_check_interval": 2}])
def test_what_else_is_drawn_changes_nothing(settings: dict[str, object], tmp_path: Path) -> None:
    assert _draw(tmp_path, **settings) == _draw(tmp_path)


def test_the_seed_changes_every_draw(tmp_path: Path) -> None:
    assert not set(_draw(tmp_path, seed=1)) & set(_draw(tmp_path))
