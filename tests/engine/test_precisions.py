"""Every number format trains every kind of model and augmentation."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from lightning_fabric.connector import _PRECISION_INPUT_INT, _PRECISION_INPUT_STR, _convert_precision_to_unified_args
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.plugins import DoublePrecision

from core.errors import InputError
from datamodules import XORDataModule
from datamodules.images.augmentation import Augmentation
from engine.settings.trainer_options import check_precision
from engine.trainer import Trainer
from lightning_modules import MLP, BagOfNgrams, TextCNN, TextRNN
from tests.generated import tiny_dcgan
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, tiny_char_rnn

AUGMENTATIONS = [
    Augmentation(flip="random", crop_padding=2, cutout=4),
    Augmentation(rotation=10, scale=(0.9, 1.1), shear=5, brightness=20, contrast=(0.8, 1.2)),
    Augmentation(elastic=1.0),
]

Pair = tuple[LightningModule, LightningDataModule]


def _of_documents(kind: type, **settings: Any) -> Pair:
    data = TinyDocuments()
    return kind(vocab_size=data.vocab_size, num_classes=data.num_classes, **settings), data


KINDS: dict[str, Callable[[], Pair]] = {
    **{
        f"images, {number}": lambda augmentation=augmentation: (tiny_vgg(), TinyDataModule(augmentation=augmentation))
        for number, augmentation in enumerate(AUGMENTATIONS)
    },
    "characters": lambda: (tiny_char_rnn(), TinyCorpus()),
    "documents, convolution": lambda: _of_documents(TextCNN),
    "documents, recurrent": lambda: _of_documents(TextRNN),
    "documents, bag": lambda: _of_documents(BagOfNgrams),
    "points": lambda: (MLP(2, in_channels=2, image_size=1, widths=[4]), XORDataModule(repeats=10)),
}


@pytest.mark.parametrize(("kind", "precision"), [*((kind, "64-true") for kind in KINDS), ("images, 1", "bf16-true")])
def test_a_number_format_trains(kind: str, precision: str) -> None:
    """Rotation met float32 and float64 in one product."""
    model, data = KINDS[kind]()
    trainer = Trainer(accelerator="cpu", precision=precision, fast_dev_run=True)
    trainer.fit(model, data)
    assert trainer.optimizer_steps == 1
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("kind", ["images, 1", "characters", "documents, bag", "documents, recurrent", "points"])
def test_weights_of_16_bits_leave_all_that_a_run_leaves(kind: str, tmp_path: Path) -> None:
    """Plots were drawn in the number format of the network, which NumPy does not have."""
    model, data = KINDS[kind]()
    trainer = tiny_trainer(tmp_path, precision="bf16-true", logger=False, max_epochs=1)
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
    pictures = {path.name for path in trainer.run_folder.path.glob("*.png")}
    classifies = {"confusion.png"} if kind != "characters" else set()
    assert pictures >= {"curves.png"} | classifies
    assert all(math.isfinite(value) for value in trainer.callback_metrics.values())


@pytest.mark.parametrize("precision", ["16-true", "bf16-true", "64-true"])
def test_a_model_with_parts_of_32_bits_says_so(precision: str, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, precision=precision, logger=False)
    reason = f"--trainer.precision {precision}: DCGAN has parts whose weights have 32 bits; give bf16-mixed or 32-true"
    for call in (trainer.fit, trainer.test):
        with pytest.raises(InputError, match=f"^{reason}$"):
            call(tiny_dcgan(), TinyDataModule())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_augmentation_is_the_same_in_every_number_format(augmentation: Augmentation) -> None:
    """A precision plugin converts what a batch holds of floats, among them what augmentation has drawn."""
    data = TinyDataModule(augmentation=augmentation)
    data.trainer = Trainer(accelerator="cpu", max_epochs=1)
    data.trainer.strategy.connect(tiny_vgg())
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    images = data.on_after_batch_transfer(batch, 0).images
    converted = data.on_after_batch_transfer(DoublePrecision().convert_input(batch), 0).images
    assert images.dtype == torch.float32
    assert torch.equal(images, converted)


@pytest.mark.parametrize("precision", [*get_args(_PRECISION_INPUT_STR), *get_args(_PRECISION_INPUT_INT)])
def test_a_number_format_is_the_one_that_was_asked_for_or_refused(precision: str | int) -> None:
    """`16-mixed` on a CPU became bf16-mixed, with a warning only, and config.yaml went on saying 16-mixed."""
    try:
        trainer = Trainer(accelerator="cpu", precision=precision)
    except InputError as error:
        assert str(error).startswith(f"--trainer.precision {precision}")  # noqa: PT017
        assert str(precision).startswith(("16", "transformer"))
    else:
        assert trainer.precision == _convert_precision_to_unified_args(precision)


@pytest.mark.parametrize(("precision", "device"), [("16-mixed", "cpu"), (16, "cpu"), ("64-true", "mps"), (64, "mps")])
def test_a_number_format_that_a_device_lacks_is_refused_with_what_there_is(precision: str | int, device: str) -> None:
    with pytest.raises(InputError, match=rf"^--trainer.precision {precision}: not on {device}.* auto, .*32-true"):
        check_precision(precision, device)
