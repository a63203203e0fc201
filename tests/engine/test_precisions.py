"""Every number format trains every kind of model and augmentation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.plugins import DoublePrecision

from datamodules.images.augmentation import Augmentation
from datamodules.text.pieces import PairEncoding
from engine.trainer import Trainer
from lightning_modules import BagOfNgrams, Seq2Seq, TextCNN, TextRNN, Transformer
from tests.tiny import TinyDataModule, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, TinyPairs, tiny_char_rnn

AUGMENTATIONS = [
    Augmentation(flip="random", crop_padding=2, cutout=4),
    Augmentation(rotation=10, scale=(0.9, 1.1), shear=5, brightness=20, contrast=(0.8, 1.2)),
    Augmentation(elastic=1.0),
]

Pair = tuple[LightningModule, LightningDataModule]


def _of_documents(kind: type, **settings: Any) -> Pair:
    data = TinyDocuments()
    return kind(vocab_size=data.vocab_size, num_classes=data.num_classes, **settings), data


def _of_sentences(kind: type, **settings: Any) -> Pair:
    data = TinyPairs(encoding=PairEncoding("word", None))
    sizes = {"vocab_size": data.vocab_size, "source_vocab_size": data.source_vocab_size}
    return kind(**sizes, scoring="words", beam=2, **settings), data


KINDS: dict[str, Callable[[], Pair]] = {
    **{
        f"images, {number}": lambda augmentation=augmentation: (tiny_vgg(), TinyDataModule(augmentation=augmentation))
        for number, augmentation in enumerate(AUGMENTATIONS)
    },
    "characters": lambda: (tiny_char_rnn(), TinyCorpus()),
    "documents, convolution": lambda: _of_documents(TextCNN),
    "documents, recurrent": lambda: _of_documents(TextRNN),
    "documents, bag": lambda: _of_documents(BagOfNgrams),
    "sentences, recurrent": lambda: _of_sentences(Seq2Seq, hidden=6, embedding=6),
    "sentences, attention": lambda: _of_sentences(Transformer, width=8, layers=1),
}
HALVED = ("images, 1", "sentences, recurrent", "sentences, attention")


@pytest.mark.parametrize(
    ("kind", "precision"), [(kind, "64-true") for kind in KINDS] + [(kind, "bf16-true") for kind in HALVED]
)
def test_a_number_format_trains(kind: str, precision: str) -> None:
    """Rotation met float32 and float64 in one product."""
    model, data = KINDS[kind]()
    trainer = Trainer(accelerator="cpu", precision=precision, fast_dev_run=True)
    trainer.fit(model, data)
    assert trainer.optimizer_steps == 1
    assert all(parameter.isfinite().all() for parameter in model.parameters())


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
