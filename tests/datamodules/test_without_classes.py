"""Data sets of pictures alone, of pictures with captions and of pairs of texts derive from the same bases."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from core.errors import InputError
from core.protocols.general import HasClasses
from datamodules.base.sample_data_module import SampleDataModule
from datamodules.base.split import Split
from datamodules.base.splitting import random_split
from datamodules.images.augmentation import Augmentation
from datamodules.images.image_data_module import ImageDataModule
from datamodules.images.splits import ClassifiedImages, Images
from datamodules.images.streaming import PictureFiles
from datamodules.text.documents import DocumentLoader, Documents, Texts
from engine.trainer import Trainer
from tests.pictures import picture
from tests.stages import prepared
from tests.tiny import tiny_trainer, tiny_vgg

N = 30


class CaptionBatch(NamedTuple):
    """Pictures and their captions."""

    images: Tensor
    captions: Tensor
    lengths: Tensor
    index: Tensor
    draws: dict[str, Tensor]


@dataclass
class CaptionedImages(Images):
    """Pictures, and a caption of each."""

    captions: Documents

    def batch(self, images: Tensor, index: Tensor, draws: dict[str, Tensor]) -> CaptionBatch:
        """Returns pictures and captions."""
        return CaptionBatch(images, *self.captions.gather(index), index, draws)


class PairBatch(NamedTuple):
    """Texts and their translations."""

    sources: Tensor
    source_lengths: Tensor
    targets: Tensor
    target_lengths: Tensor
    index: Tensor


@dataclass
class Pairs(Texts):
    """Texts, and a translation of each."""

    translations: Documents

    def batch(self, index: Tensor) -> PairBatch:
        """Returns texts and translations."""
        return PairBatch(*self.documents.gather(index), *self.translations.gather(index), index)


def numbered_images(n: int) -> Tensor:
    """Returns images of 4x4 pixels, each filled with its own place."""
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 4, 4, 3).contiguous()


def numbered_texts(n: int, offset: int = 1) -> Documents:
    """Returns documents of several lengths, each filled with its own place and an offset."""
    return Documents.of([[place + offset] * (1 + (7 * place + offset) % 5) for place in range(n)])


class Pictures(ImageDataModule):
    """Pictures without classes."""

    name = "pictures"
    in_channels = 3
    image_size = 4
    train_size = N
    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, val_size: int = 6, augmentation: Augmentation = Augmentation()) -> None:  # noqa: B008 (frozen)
        super().__init__("", "auto", 5, 4, val_size, 0, augmentation, "none")

    def read(self) -> dict[str, Images]:
        """Makes the pictures."""
        return {"train": Images(numbered_images(N)), "test": Images(numbered_images(9))}


class Captioned(Pictures):
    """Pictures with captions."""

    def read(self) -> dict[str, CaptionedImages]:
        """Makes pictures and captions."""
        return {part: CaptionedImages(numbered_images(n), numbered_texts(n)) for part, n in (("train", N), ("test", 9))}


class Translations(SampleDataModule):
    """Pairs of texts."""

    name = "pairs"
    unit = "pairs"
    stand_in = "pairs"

    def __init__(self) -> None:
        super().__init__("", "auto", 5, 4)

    def load(self) -> dict[str, Pairs]:
        """Makes texts and translations."""
        pairs = Pairs(numbered_texts(N), numbered_texts(N, offset=100))
        train, val = random_split(pairs, 6, seed=0)
        return {"train": train, "val": val, "test": pairs}

    def make_loader(self, split: Split, batch_size: int, seed: int | None, in_order: bool) -> DocumentLoader:
        """Makes a loader that sorts by the length of the texts."""
        return DocumentLoader(split, batch_size, seed, 1 if in_order else 3)


@pytest.fixture
def set_up(tmp_path: Path) -> Callable[..., Any]:
    """Sets a data module up, as a trainer does."""
    trainer: Trainer = tiny_trainer(tmp_path)
    trainer.strategy._lightning_module = tiny_vgg()

    def get(data: LightningDataModule, stage: str = "fit") -> Any:
        return prepared(data, stage, trainer)

    return get


def test_pictures_without_classes_are_split_and_augmented(set_up: Callable) -> None:
    data = set_up(Pictures(augmentation=Augmentation(brightness=20)))
    assert data.sizes == {"train": 24, "val": 6, "test": 9}
    assert not isinstance(data, HasClasses)
    seen = []
    for batch in data.train_dataloader():
        places = data.splits["train"].images[batch.index][:, 0, 0, 0].float()
        images = data.on_after_batch_transfer(batch, 0).images
        assert images.shape == (5, 3, 4, 4)
        torch.testing.assert_close(images[:, 0, 0, 0], places + batch.draws["brightness"])
        seen += places.int().tolist()
    assert len(set(seen)) == 20
    held = {part: set(data.splits[part].images[:, 0, 0, 0].tolist()) for part in ("train", "val")}
    assert held["train"] | held["val"] == set(range(N))
    assert not held["train"] & held["val"]


def test_the_choice_of_validation_pictures_follows_the_seed() -> None:
    split = Images(numbered_images(N))
    chosen = [random_split(split, 6, seed)[1].images[:, 0, 0, 0].tolist() for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] == sorted(chosen[0])
    assert chosen[0] != chosen[2]


def test_synthetic_pictures_need_no_classes(monkeypatch: pytest.MonkeyPatch, set_up: Callable) -> None:
    monkeypatch.setattr("datamodules.images.image_data_module.SYNTHETIC", {"train": 20, "test": 10})
    data = Pictures()
    data.source, data.image_size = "synthetic", 16
    assert set_up(data).sizes == {"train": 16, "val": 4, "test": 10}
    assert data.splits["train"].images.shape == (16, 16, 16, 3)


def test_pictures_to_predict_need_no_classes(set_up: Callable, tmp_path: Path) -> None:
    data = Pictures()
    data.inputs = [str(picture(tmp_path / f"{name}.png", (9, 7))) for name in "ab"]
    (batch,) = set_up(data, "predict").predict_dataloader()
    assert batch.images.shape == (2, 4, 4, 3)
    assert data.prediction_names() == data.inputs


def test_captions_stay_with_their_pictures(set_up: Callable) -> None:
    data = set_up(Captioned())
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for batch in loader:
            batch = data.on_after_batch_transfer(batch, 0)
            place = batch.images[:, 0, 0, 0]
            assert torch.equal(batch.captions.amax(1), place.long() + 1)
            assert torch.equal(batch.lengths, 1 + (7 * place.long() + 1) % 5)


def test_texts_stay_with_their_translations_in_batches_of_about_one_length(set_up: Callable) -> None:
    data = set_up(Translations())
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        batches = list(loader)
        assert batches
        for batch in batches:
            assert torch.equal(batch.sources.amax(1) + 99, batch.targets.amax(1))
            assert (batch.targets.count_nonzero(1) == batch.target_lengths).all()
    in_order = torch.cat([batch.index for batch in data.predict_dataloader()])
    assert in_order.tolist() == list(range(N))


def test_a_selection_of_documents_holds_the_same_tokens() -> None:
    documents = numbered_texts(N)
    places = torch.tensor([7, 0, 29, 7])
    some = documents.take(places)
    assert len(some) == 4
    assert torch.equal(some.lengths, documents.lengths[places])
    index = torch.arange(4)
    assert all(torch.equal(a, b) for a, b in zip(some.gather(index), documents.gather(places[index]), strict=True))
    assert some.tokens.dtype == documents.tokens.dtype


def test_stores_of_different_lengths_are_no_split() -> None:
    with pytest.raises(ValueError, match=r"different lengths: \[3, 2\]"):
        ClassifiedImages(numbered_images(3), torch.arange(2))


def test_a_split_on_disk_has_no_size_in_memory(tmp_path: Path) -> None:
    files = PictureFiles([picture(tmp_path / "a.png")] * 2, 8, 3, 0)
    assert ClassifiedImages(files, torch.arange(2)).nbytes is None
    assert ClassifiedImages(numbered_images(2), torch.arange(2)).nbytes == 2 * 48 + 2 * 8


def test_a_test_without_samples_is_one_line(set_up: Callable) -> None:
    class Untested(Pictures):
        def read(self) -> dict[str, Images]:
            return {"train": Images(numbered_images(N)), "test": Images(numbered_images(0))}

    with pytest.raises(InputError, match="no test part"):
        set_up(Untested(), "test")
