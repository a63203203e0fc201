"""What tests of several data modules share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytorch_lightning.trainer.states import TrainerFn

from engine.trainer import Trainer
from tests.tiny import tiny_trainer, tiny_vgg


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    """A trainer with a model, in the state that it has while it trains."""
    trainer = tiny_trainer(tmp_path)
    trainer.strategy._lightning_module = tiny_vgg()
    trainer.state.fn = TrainerFn.FITTING
    return trainer


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe, which keeps whoever opens it waiting for good."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
