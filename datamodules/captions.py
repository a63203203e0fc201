"""Pictures and captions of them: Flickr8k, Flickr30k and COCO by their own files, or your own pictures and a table."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.errors import InputError
from core.predictions import PredictionTable
from core.terminal.console import print_line
from datamodules.base.data_module import Source
from datamodules.base.digest import digest_of
from datamodules.base.sizes import check_least
from datamodules.batches import CaptionBatch
from datamodules.captioned.encoder import CaptionEncoder, CaptionEncoding
from datamodules.captioned.page import page
from datamodules.captioned.reading import CaptionedPictures, FolderReader, drawn_pictures
from datamodules.captioned.splits import CaptionDraws, CaptionedImages
from datamodules.images.augmentation import Augmentation
from datamodules.images.image_data_module import ImageDataModule
from datamodules.images.loader import ImageLoader
from datamodules.images.normalization import Scaling
from datamodules.images.picture_folders import PictureReader
from datamodules.images.streaming import PictureFiles
from datamodules.text.text_data_module import TextDataModule
from datamodules.text.vocabulary import read_saved

PAGE = ".html"  # ending of a page of pictures and captions
SYNTHETIC = {"train": 2000, "val": 200, "test": 200}  # pictures
LARGEST_DRAWN = 80  # pixels of a synthetic picture, enough for every network


class CaptionDataModule(ImageDataModule, TextDataModule):
    """Pictures with any number of captions each.

    `data_dir` holds pictures, in any folders, and a file of captions: that of Flickr8k or Flickr30k (lines
    `1.jpg#0`, tab, caption; with lists of the pictures of each part, if there are any), of COCO (`captions_*.json`), of
    Karpathy's splits (`dataset_*.json`), or a table with columns such as `file` and `caption`, and `split` if parts are
    fixed. Names of pictures need not have the right folder or ending. What does not fit is counted and named: captions
    without a picture, pictures without a caption, empty captions, pictures in none of the lists.

    All pictures are read once, to find broken ones; the result is cached in `data_dir`. The vocabulary is of the
    training captions alone.

    Args:
        data_dir: Folder of the data set.
        source: `auto` reads `data_dir`; `synthetic` draws shapes, with captions that say what they show.
        captions: Files of captions under `data_dir`; those with a usual name if not given.
        pictures: Folder of the pictures under `data_dir`; anywhere in it if not given.
        lists: Whether the parts that files or lists of names state are kept; else all pictures are for training but
            `val_size` and `test_size`.
        encoding: How captions are divided into symbols.
        captions_each: Captions that a picture is shown with in an epoch, drawn at random; all if not given.
        count_padding: Whether a caption shorter than `encoding.max_length` counts its padding as symbols from its
            second draw on, as in a published experiment that pads the captions it keeps; needs `captions_each`.
        image_size: Height and width of the network's input, in pixels.
        batch_size: Pictures per optimizer step, on all devices together.
        eval_batch_size: Pictures per batch in validation, test and prediction; affects only speed.
        val_size: Training pictures used for validation, if no file names its pictures; a tenth if not given.
        test_size: Training pictures used for the test, if no file names its pictures; none if not given.
        split_seed: Seed of that choice, separate from the run's seed so that all runs use the same split.
        augmentation: Random changes of training pictures.
        normalization: How pixels are scaled; see `ImageDataModule`.
        skip_corrupt: Whether to skip unreadable pictures, with a message; otherwise they are an error.
        stream: Whether pictures are decoded from disk for each batch; otherwise they are kept in memory. A continued
            run keeps this as it is.
        num_workers: Processes that decode in advance while streaming; affects only speed.
        vocabulary: A run's `vocabulary.json`, or the run's folder, whose words and encoding are used instead.
    """

    name = "captions"
    changeable = (*ImageDataModule.changeable, "num_workers")  # not stream: only pictures in memory are in the digest
    measured_alike = ("stream",)
    input_name = "FILE"
    stated = {"encoding": vars(CaptionEncoding())}
    in_channels = 3
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    splits: dict[str, CaptionedImages]

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        captions: list[str] | None = None,
        pictures: str | None = None,
        lists: bool = True,
        encoding: CaptionEncoding = CaptionEncoding(),  # noqa: B008 (frozen)
        captions_each: int | None = None,
        count_padding: bool = False,
        image_size: int = 224,
        batch_size: int = 32,
        eval_batch_size: int = 100,
        val_size: int | None = None,
        test_size: int | None = None,
        split_seed: int = 0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        normalization: Scaling = "channel",
        skip_corrupt: bool = False,
        stream: bool = True,
        num_workers: int = 2,
        vocabulary: str | None = None,
    ) -> None:
        check_least(1, image_size=image_size, captions_each=1 if captions_each is None else captions_each)
        check_least(0, num_workers=num_workers, val_size=val_size or 0, test_size=test_size or 0)
        if count_padding and captions_each is None:
            raise InputError("data.count_padding: needs data.captions_each, such as 1: all captions are drawn at once")
        self.image_size = image_size if source == "auto" else min(image_size, LARGEST_DRAWN)
        super().__init__(data_dir, source, batch_size, eval_batch_size, 0, split_seed, augmentation, normalization)
        self.captions_each = captions_each
        self.count_padding = count_padding
        folders = self.data_dir, self.data_dir / (pictures or "")
        sizes = {"val": val_size, "test": test_size}
        reader = PictureReader(image_size, self.in_channels, not stream, skip_corrupt, self.name)
        self._reader = FolderReader(*folders, captions, lists, sizes, split_seed, reader, num_workers)
        self._parts: dict[str, CaptionedPictures] = {}
        self._words, self._is_learned = CaptionEncoder(encoding), vocabulary is not None
        if vocabulary is not None:
            content = read_saved(Path(vocabulary))
            self._words = CaptionEncoder.from_content(content, f"--data.vocabulary {vocabulary}", encoding)

    def adapt_to_synthetic(self) -> None:
        """Sets mean and deviation, which are not measured on drawn pictures."""
        self.mean, self.std = (0.5,) * 3, (0.25,) * 3

    @property
    def words(self) -> CaptionEncoder:
        """The encoder of captions; reads these if needed."""
        if not self._is_learned:
            self.load_once()
        return self._words

    @property
    def vocab_size(self) -> int:
        """Number of symbols of captions, the special ones included."""
        return len(self.words)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, ordered by number."""
        return self.words.vocabulary.symbols

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the encoder's content."""
        return self.words.content()

    def synthesize(self) -> dict[str, CaptionedImages]:
        """Draws pictures instead of the data set."""
        return self._numbered(drawn_pictures(SYNTHETIC, self.image_size))

    def read(self) -> dict[str, CaptionedImages]:
        """Reads pictures and captions.

        Raises:
            InputError: A file is missing or broken, or no training picture is left.
        """
        reading = self._reader.read()
        self.mean, self.std, self.bits, self.files_digest = reading.mean, reading.std, reading.bits, reading.digest
        for line in reading.notes:
            print_line(line)
        return self._numbered(reading.parts)

    def _numbered(self, parts: dict[str, CaptionedPictures]) -> dict[str, CaptionedImages]:
        """Returns pictures with the symbols of their captions, whose vocabulary is learned unless there is one."""
        self._parts = parts
        if not self._is_learned:
            self._words = self._words.fitted(caption for several in parts["train"].captions for caption in several)
            self._is_learned = True
        splits = {part: CaptionedImages(of.images, *self._words.encode_all(of.captions)) for part, of in parts.items()}
        self._digest = digest_of(*(store for part in ("train", "val") for store in splits[part].stores))
        return splits

    def make_loader(self, split: CaptionedImages, batch_size: int, seed: int | None, in_order: bool) -> ImageLoader:
        """Makes the loader of a split, in training with the captions of each epoch."""
        draws = None
        if seed is not None:
            counts = (split.lengths > 0).sum(1).cpu()
            draws = CaptionDraws(self.draws_in_training, counts, self.captions_each, self.count_padding)
        return self.image_loader(split, batch_size, seed, draws)

    def on_after_batch_transfer(self, batch: CaptionBatch, dataloader_idx: int) -> NamedTuple:
        """Augments and normalises the pictures of a batch, and counts symbols over all processes in training."""
        batch = super().on_after_batch_transfer(batch, dataloader_idx)
        if self.trainer.training and self.trainer.world_size > 1:
            return batch._replace(tokens=self.trainer.strategy.reduce(batch.tokens, reduce_op="mean"))
        return batch

    def where_tests_belong(self) -> str:
        """Returns where test pictures are expected."""
        return f"{self.origin}: no test pictures; lists or a column of the file name them, or data.test_size takes some"

    def references(self, part: str) -> list[list[str]]:
        """Returns the captions of each picture of a part, as they were read."""
        return self._parts[part].captions

    def picture_names(self, part: str) -> list[str]:
        """Returns the names of the pictures of a part."""
        return self._parts[part].names

    def words_of(self, symbols: Tensor) -> list[str]:
        """Returns the words of a caption's symbols [T]."""
        return self.words.decode(symbols.tolist())

    def batch_of(self, part: str, places: Tensor) -> CaptionBatch:
        """Returns the pictures at places of a part, int64 [B], in one batch, as it reaches the network."""
        split = self.stored(part)
        has_views = part == "train" and self.encoder is not None and self.encoder.views > 0
        first = {"view": torch.zeros_like(places)} if has_views else {}
        batch = split.batch(split.images[places], places, first)
        return self.prepared(batch)  # without waiting for other processes

    def split_to_predict(self, images: Tensor | PictureFiles) -> CaptionedImages:
        """Returns a split of pictures to predict, without captions."""
        nothing = torch.zeros(len(images), 1, 1, dtype=torch.int32)
        return CaptionedImages(images, nothing, nothing[:, :, 0])

    def predict_dataloader(self) -> ImageLoader:
        """Returns the loader of `inputs`, files or folders of pictures, or of the test set if there are none."""
        if not self.mean:  # neither restored from a checkpoint nor computed yet
            self.load_once()
        return super().predict_dataloader()

    def prediction_names(self) -> list[str]:
        """Returns the files of `inputs`, or the names of the test pictures."""
        return self.input_names() if self.inputs else self.picture_names("test")

    def prediction_endings(self) -> tuple[str, ...]:
        """Returns the endings of a table and of a page."""
        return (*super().prediction_endings(), PAGE)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of pictures and their captions, which can be written as a page with the pictures, too.

        Args:
            names: Files of the pictures.
            outputs: Symbols of the captions, int64 [N, L].
        """
        captions = [" ".join(self.words_of(symbols)) for symbols in outputs]
        rows = list(zip(names, captions, strict=True))
        files = {name: Path(name) for name in names} if self.inputs else self._parts["test"].files
        return PredictionTable(("file", "caption"), rows, forms={PAGE: lambda: page(names, captions, files)})

    def state_dict(self) -> dict[str, Any]:
        """Returns the position, the vocabulary, mean and standard deviation, and the bits of pictures of 16."""
        return super().state_dict() | {"mean": list(self.mean), "std": list(self.std), "bits": self.bits}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores position, mean and standard deviation, and the bits of pictures of 16 from a checkpoint.

        Raises:
            InputError: The checkpoint has another vocabulary, or the data has changed since the run stopped.
        """
        super().load_state_dict(state_dict)
        self.mean, self.std, self.bits = tuple(state_dict["mean"]), tuple(state_dict["std"]), state_dict["bits"]
