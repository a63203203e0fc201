"""What needs this project's trainer says so with Lightning's own, in one line."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
from torch.optim.lr_scheduler import ReduceLROnPlateau

from core.errors import InputError
from core.own_trainer import refuse_other_trainer
from datamodules import ClassFoldersDataModule
from lightning_modules import GAN, StyleTransfer, TextCNN
from tests.pictures import numbered_pictures
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyDocuments

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


@pytest.mark.parametrize("part", ["prepare_data", "setup"])
def test_a_data_set_is_refused_before_it_is_read(part: str, of_lightning: pl.Trainer) -> None:
    """It failed in the middle of an epoch, at what Lightning's trainer lacks, or after a download."""
    data = TinyDataModule()
    data.trainer, data.load = of_lightning, lambda: pytest.fail("it was read")
    of_lightning.state.fn = "fit"
    with pytest.raises(InputError, match=f"^TinyDataModule{REFUSED}"):
        getattr(data, part)(*["fit"][: part == "setup"])


@pytest.mark.filterwarnings("ignore:You have overridden")
@pytest.mark.parametrize("kind", ["pictures", "texts"])
def test_lightnings_own_measures(kind: str, of_lightning: pl.Trainer) -> None:
    data = TinyDataModule() if kind == "pictures" else TinyDocuments()
    model = tiny_vgg() if kind == "pictures" else TextCNN(4, data.vocab_size, embedding=4, filters=4)
    (figures,) = of_lightning.test(model, data, verbose=False)
    assert "test/loss" in figures


def test_pictures_that_the_seed_of_a_run_divides_need_one(of_lightning: pl.Trainer, tmp_path: Path) -> None:
    numbered_pictures(tmp_path, {"cat": 4, "dog": 4})
    data = ClassFoldersDataModule(str(tmp_path), split_seed=None, image_size=8, batch_size=2)
    data.trainer = of_lightning
    with pytest.raises(InputError, match=f"^ClassFoldersDataModule without a split_seed{REFUSED}"):
        data.prepare_data()


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
