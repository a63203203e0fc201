"""What needs this project's trainer says so with Lightning's own, in one line."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
from torch.optim.lr_scheduler import ReduceLROnPlateau

from core.errors import InputError
from core.own_trainer import refuse_other_trainer
from lightning_modules import GAN, StyleTransfer
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

REFUSED = r" needs more than Lightning's Trainer: .* \(from engine\.trainer import Trainer\)$"


@pytest.fixture
def of_lightning() -> pl.Trainer:
    """Lightning's own trainer."""
    return pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)


def test_only_lightnings_own_is_refused(of_lightning: pl.Trainer, tmp_path: Path) -> None:
    for trainer in (None, SimpleNamespace(), tiny_trainer(tmp_path)):
        refuse_other_trainer(trainer, "it")
    with pytest.raises(InputError, match=f"^it{REFUSED}"):
        refuse_other_trainer(of_lightning, "it")


@pytest.mark.parametrize("stage", ["fit", "test"])
def test_a_data_set_is_refused_before_it_gives_batches(stage: str, of_lightning: pl.Trainer) -> None:
    """It failed in the middle of an epoch, at what Lightning's trainer lacks."""
    data = TinyDataModule()
    data.trainer = of_lightning
    with pytest.raises(InputError, match=f"^TinyDataModule{REFUSED}"):
        data.setup(stage)


@pytest.mark.parametrize(
    "model",
    [lambda: GAN(image_size=16, in_channels=3, conditional=False), lambda: StyleTransfer((36, 48))],
    ids=["judged", "style"],
)
def test_models_that_ask_the_trainer_are_refused(model: Callable[[], pl.LightningModule], of_lightning: object) -> None:
    network = model()
    network.trainer = of_lightning
    with pytest.raises(InputError, match=REFUSED):
        network.setup("fit")


def test_a_plateau_schedule_is_refused_before_training(of_lightning: pl.Trainer) -> None:
    """It failed after an epoch."""
    model = tiny_vgg(lr_scheduler=ReduceLROnPlateau)
    model.trainer = of_lightning
    with pytest.raises(InputError, match=f"^a plateau schedule{REFUSED}"):
        model.configure_optimizers()
