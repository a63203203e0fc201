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

import lightning_modules
from core.errors import InputError
from datamodules import PicturesDataModule, StylePicturesDataModule, WordCorpusDataModule, XORDataModule
from datamodules.images.augmentation import Augmentation
from engine.settings.trainer_options import check_precision
from engine.trainer import Trainer
from lightning_modules import (
    DCGAN,
    MLP,
    VGG,
    BagOfNgrams,
    Captioner,
    CharRNN,
    FastStyle,
    LogisticRegression,
    Seq2Seq,
    StyleTransfer,
    TextCNN,
    TextRNN,
    Transformer,
    TransformerLM,
    WordVectors,
)
from lightning_modules.tasks.adversarial import AdversarialTask
from lightning_modules.tasks.rewarded_captioning import RewardedCaptioning
from lightning_modules.tasks.sequence_to_sequence import SequenceToSequence
from lightning_modules.tasks.style_task import StyleTask
from lightning_modules.tasks.task import Task
from lightning_modules.tasks.word_vector_task import WordVectorTask
from tests.generated import tiny_dcgan
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_captions import TinyCaptions
from tests.tiny_text import TinyCorpus, TinyDocuments, TinyPairs, tiny_char_rnn

AUGMENTATIONS = [
    Augmentation(flip="random", crop_padding=2, cutout=4),
    Augmentation(rotation=10, scale=(0.9, 1.1), shear=5, brightness=20, contrast=(0.8, 1.2)),
    Augmentation(elastic=1.0),
]

Pair = tuple[LightningModule, LightningDataModule]
ADAM: dict[str, Any] = {"optimizer": lambda parameters: torch.optim.Adam(parameters, 0.01)}
SMALL_STYLE: dict[str, Any] = {
    "network": "random:vgg16",
    "content_layers": {"relu2_1": 1.0},
    "style_layers": {"relu1_1": 0.5, "relu2_1": 0.5},
}


def _of_documents(kind: type, **settings: Any) -> Pair:
    data = TinyDocuments()
    return kind(vocab_size=data.vocab_size, num_classes=data.num_classes, **settings), data


def _of_pairs(kind: type, **settings: Any) -> Pair:
    for package in ("tokenizers", "sacrebleu"):
        pytest.importorskip(package, reason="the extra `text` is not installed")
    data = TinyPairs()
    sizes = {"vocab_size": data.vocab_size, "source_vocab_size": data.source_vocab_size}
    return kind(**sizes, layers=1, length=10, **settings, **ADAM), data


def _of_captions() -> Pair:
    pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")
    data = TinyCaptions()
    network = {"network": "convnet", "frozen": False, "hidden": 8, "embedding": 8}
    return Captioner(vocab_size=data.vocab_size, image_size=data.image_size, **network, **ADAM), data


def _of_words() -> Pair:
    data = WordCorpusDataModule(source="synthetic", batch_size=600)
    optimizer = {"optimizer": lambda parameters: torch.optim.SGD(parameters, 0.05)}
    return WordVectors(data.vocab_size, width=8, **optimizer), data


def _of_one_picture() -> Pair:
    data = StylePicturesDataModule(source="synthetic", long_side=48, steps=2)
    return StyleTransfer(data.image_size, data.in_channels, **SMALL_STYLE, **ADAM), data


def _of_style() -> Pair:
    data = PicturesDataModule(source="synthetic", image_size=32, batch_size=10, val_size=10)
    return FastStyle(32, width=4, blocks=1, style_size=48, **SMALL_STYLE, **ADAM), data


KINDS: dict[str, tuple[type[LightningModule], Callable[[], Pair]]] = {
    **{
        f"images, {number}": (
            VGG,
            lambda augmentation=augmentation: (tiny_vgg(), TinyDataModule(augmentation=augmentation)),
        )
        for number, augmentation in enumerate(AUGMENTATIONS)
    },
    "characters": (CharRNN, lambda: (tiny_char_rnn(), TinyCorpus())),
    "characters, attention": (
        TransformerLM,
        lambda: (TransformerLM(TinyCorpus().vocab_size, width=8, layers=1, heads=1, context=64), TinyCorpus()),
    ),
    "documents, convolution": (TextCNN, lambda: _of_documents(TextCNN)),
    "documents, recurrent": (TextRNN, lambda: _of_documents(TextRNN)),
    "documents, bag": (BagOfNgrams, lambda: _of_documents(BagOfNgrams)),
    "points": (MLP, lambda: (MLP(2, in_channels=2, image_size=1, widths=[4]), XORDataModule(repeats=10))),
    "points, one unit": (
        LogisticRegression,
        lambda: (LogisticRegression(2, in_channels=2, image_size=1), XORDataModule(repeats=10)),
    ),
    "translations, recurrent": (Seq2Seq, lambda: _of_pairs(Seq2Seq, hidden=8, embedding=8)),
    "translations, attention": (Transformer, lambda: _of_pairs(Transformer, width=8, heads=1, hidden=8)),
    "captions": (Captioner, _of_captions),
    "words": (WordVectors, _of_words),
    "one picture": (StyleTransfer, _of_one_picture),
    "pictures in a style": (FastStyle, _of_style),
    "noise": (
        DCGAN,
        lambda: (
            tiny_dcgan(num_classes=5, in_channels=3, image_size=16),
            TinyDataModule(normalization="symmetric"),
        ),
    ),
}

# Number formats that a task lacks, since parts of it are computed with weights of 32 bits whatever is asked for.
LACKED: dict[type[LightningModule], tuple[str, ...]] = {
    SequenceToSequence: ("16-true", "bf16-true"),
    WordVectorTask: ("16-true", "bf16-true"),
    RewardedCaptioning: ("16-true", "bf16-true", "64-true"),
    StyleTask: ("16-true", "bf16-true", "64-true"),
    AdversarialTask: ("16-true", "bf16-true", "64-true"),
}


def task_of(kind: type[LightningModule]) -> type[LightningModule]:
    """Returns the class of `lightning_modules/tasks/` that a network is one of."""
    return next(base for base in kind.__mro__ if base.__module__.startswith("lightning_modules.tasks."))


def test_every_task_is_tried_or_lacks_number_formats() -> None:
    named = [getattr(lightning_modules, name) for name in lightning_modules.__all__]
    networks = [kind for kind in named if isinstance(kind, type) and issubclass(kind, Task)]
    assert {task_of(kind) for kind, _ in KINDS.values()} == {task_of(kind) for kind in networks}
    assert {kind: kind.lacking_formats for kind in networks} == {
        kind: LACKED.get(task_of(kind), ()) for kind in networks
    }


TRIED = [
    (name, precision)
    for name, (kind, _) in KINDS.items()
    for precision in ("bf16-mixed", "64-true")
    if precision not in LACKED.get(task_of(kind), ())
]


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize(("kind", "precision"), [*TRIED, ("images, 1", "bf16-true")])
def test_a_number_format_trains(kind: str, precision: str) -> None:
    """Rotation met float32 and float64 in one product."""
    model, data = KINDS[kind][1]()
    trainer = Trainer(accelerator="cpu", precision=precision, fast_dev_run=True)
    trainer.fit(model, data)
    assert trainer.optimizer_steps == 1
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("kind", ["images, 1", "characters", "documents, bag", "documents, recurrent", "points"])
def test_weights_of_16_bits_leave_all_that_a_run_leaves(kind: str, tmp_path: Path) -> None:
    """Plots were drawn in the number format of the network, which NumPy does not have."""
    model, data = KINDS[kind][1]()
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
