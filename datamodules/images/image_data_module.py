"""The base of every image data set: augmentation and normalisation of whole batches."""

from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from core.abstract_methods import left_to_subclasses
from core.processes.peers import gathered
from core.protocols.general import TakesNamedBatches
from datamodules.base.data_module import Source
from datamodules.base.sizes import check_least, check_val_size
from datamodules.base.splitting import random_split
from datamodules.batches import ImageBatch
from datamodules.foreign_batches import ImagePair
from datamodules.images.augmentation import Augmentation
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.encoded import EncodedDataModule
from datamodules.images.image_files import find_pictures
from datamodules.images.input_notes import note_negatives, note_ranges
from datamodules.images.loader import Draws, ImageLoader
from datamodules.images.normalization import FIXED, Normalization, Scaling
from datamodules.images.picture import read_content
from datamodules.images.splits import Images
from datamodules.images.streaming import InputPictures, PictureFiles
from datamodules.images.synthetic import synthetic_images

SYNTHETIC = {"train": 10_000, "test": 2_000}  # a fifth of CIFAR-10's number, for short first runs


class ImageDataModule(EncodedDataModule):
    """Images without labels, decoded once into memory unless `read` leaves them on disk.

    A subclass describes the data set in the class attributes below and reads it in `read`. For images with labels, such
    as a class or a caption, its splits are of a subclass of `Images`.

    Args:
        data_dir: Folder of the data set.
        source: `auto` reads `data_dir` and downloads missing files; `synthetic` generates pictures instead.
        batch_size: Images per optimizer step, on all devices together.
        eval_batch_size: Images per batch in validation, test and prediction; affects only speed.
        val_size: Training images used for validation; 0 trains on all.
        split_seed: Seed of the validation split, separate from the run's seed so that all runs use the same split.
        augmentation: Random changes of training images.
        normalization: How pixels are scaled: per channel, to [-1, 1], to [0, 1], not at all (0 to 255), or as the
            published weights of a network expect it: `imagenet` for torchvision's, `lite` for EfficientNet-Lite's.

    Attributes:
        in_channels: 1 for grey, 3 for colour.
        image_size: Height and width in pixels.
        mean: Mean of each channel over the training images, in [0, 1].
        std: Standard deviation of each channel, in [0, 1].
        train_size: Number of training images of the real data set, including those for validation.
    """

    unit = "images"
    stand_in = "pictures"
    in_channels: int
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train_size: int
    splits: dict[str, Images]
    bits = SIXTEEN  # bits of pictures of 16 that hold values

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        batch_size: int = 128,
        eval_batch_size: int = 1000,
        val_size: int = 0,
        split_seed: int = 0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        normalization: Scaling = "channel",
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        check_least(0, val_size=val_size)
        augmentation.check_size(self.image_size)
        self.val_size = val_size
        self.split_seed = split_seed
        self.augmentation = augmentation
        Normalization(normalization, (), ()).check_channels(self.in_channels)
        self._scaling = normalization
        self.invert = False  # whether the negatives of `inputs` are predicted
        self._found: tuple[list[str], list[str]] | None = None  # `inputs` and their picture files
        self._input_pictures: InputPictures | None = None
        if source == "synthetic":
            self.adapt_to_synthetic()

    @left_to_subclasses
    def read(self) -> dict[str, Images]:
        """Reads the data set's own splits `train`, `test` and, if it has one, `val`, with a download if needed.

        Sets `origin`, and `mean` and `std` unless they are class attributes.
        """

    @property
    def normalization(self) -> Normalization:
        """The normalisation of pixels, with the data's numbers only if they act: kept features have it in their key."""
        return Normalization(self._scaling, *((), ()) if self._scaling in FIXED else (self.mean, self.std))

    def adapt_to_synthetic(self) -> None:
        """Sets attributes that differ for synthetic pictures."""

    def synthesize(self) -> dict[str, Images]:
        """Generates pictures instead of the data set."""
        shape = {"image_size": self.image_size, "in_channels": self.in_channels}
        return {
            part: Images(synthetic_images(n, seed=seed, **shape)[0])
            for seed, (part, n) in enumerate(SYNTHETIC.items(), 1)
        }

    @property
    def least_train_size(self) -> int:
        """Least number of training images after the validation split."""
        return 1

    def split_off(self, part: Images, val_size: int) -> tuple[Images, Images]:
        """Splits the training images into a training and a validation set, the latter with `val_size` images."""
        return random_split(part, val_size, self.split_seed)

    def load(self) -> dict[str, Images]:
        """Reads or generates the images, and splits off a validation set if the data set has none."""
        parts = self.synthesize() if self.source == "synthetic" else self.read()
        if "val" in parts:
            return parts
        total = len(parts["train"])
        # The synthetic data set is smaller than the real one; its validation split shrinks in proportion.
        val_size = self.val_size * total // max(total, self.train_size) if self.source == "synthetic" else self.val_size
        check_val_size(val_size, total, self.least_train_size, self.batch_size, self.unit)
        train, val = self.split_off(parts["train"], val_size)
        return {"train": train, "val": val, "test": parts["test"]}

    def make_loader(self, split: Images, batch_size: int, seed: int | None, in_order: bool) -> ImageLoader:
        """Makes the loader of a split, with augmentation in training; evaluation is always in order."""
        augmentation = None if seed is None else self.draws_in_training
        return self.image_loader(split, batch_size, seed, augmentation)

    def image_loader(self, split: Images, batch_size: int, seed: int | None, draws: Draws | None) -> ImageLoader:
        """Returns a loader of this process, which draws the parameters of each epoch."""
        trainer = self.trainer
        pins = trainer.strategy.root_device.type == "cuda"
        return ImageLoader(split, batch_size, seed, draws, trainer.global_rank, trainer.world_size, pins)

    def prepare(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Augments and normalises pictures.

        Args:
            images: uint8 [B, H, W, C].
            draws: Their augmentation parameters, tensors of length B by name.

        Returns:
            float32 [B, C, H, W], of which every pixel's channels lie side by side.
        """
        images = self.augmentation.move(images, draws).float()
        images = self.normalization(self.augmentation.recolour(images, draws))
        return self.augmentation.cut(images, draws).permute(0, 3, 1, 2)

    def example_inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Returns n images at random as they are before they are prepared, uint8 [n, H, W, C]."""
        shape = (n, self.image_size, self.image_size, self.in_channels)
        return torch.randint(256, shape, dtype=torch.uint8, generator=rng)

    def read_inputs(self) -> Images:
        """Returns the pictures of `inputs`, which are decoded batch by batch, resized and center-cropped."""
        files = [Path(name) for name in self.input_names()]
        self._input_pictures = InputPictures(files, self.image_size, self.in_channels, self.bits, self.invert)
        self.unread = self._input_pictures.unread
        return self.split_to_predict(self._input_pictures)

    def decode_picture(self, content: bytes) -> Tensor:
        """Returns the pixels of a picture file, resized and center-cropped, uint8 [H, W, C], from its content."""
        return torch.from_numpy(read_content(content, self.image_size, self.in_channels, self.bits).pixels)

    def split_to_predict(self, images: Tensor | PictureFiles) -> Images:
        """Returns a split of images to predict, uint8 [N, H, W, C]."""
        return Images(images)

    def input_names(self) -> list[str]:
        """Returns the picture files of `inputs`, which are files or folders."""
        if self._found is None or self._found[0] != self.inputs:
            paths, self.input_notes = find_pictures(self.inputs)
            self._found = list(self.inputs), [str(path) for path in paths]
        return self._found[1]

    def notes_on_inputs(self) -> list[str]:
        """Returns lines for the user about `inputs` that have been predicted, such as that most look like negatives.

        They are about the inputs of all processes, each of which calls this.
        """
        pictures = self._input_pictures
        if pictures is None:
            return self.input_notes
        parts = gathered((pictures.means, pictures.depths), self.trainer.world_size)
        means, depths = (list(chain.from_iterable(values)) for values in zip(*parts, strict=True))
        is_grey = self.in_channels == 1 and means
        negatives = note_negatives(means, self.mean[0], self.invert) if is_grey else []
        return self.input_notes + negatives + note_ranges(depths, self.bits)

    def images_of(self, part: str, places: Tensor) -> Tensor:
        """Returns stored images of a split, uint8 [N, H, W, C], by their indices int64 [N]."""
        return self.splits[part].images[places]

    def shown_inputs(self, batch: NamedTuple) -> Tensor | None:
        """Returns the images of a batch as pixels, uint8 [B, H, W, C]; None if it holds their features."""
        shows = self.encoder is None and self.in_channels in (1, 3)  # points of the plane have two
        return self.normalization.undo(batch.images).cpu() if shows else None

    def sample(self, n: int) -> Tensor:
        """Returns the first n training images (or all), normalised but not augmented, float32 [n, C, H, W]."""
        return self.normalization(self.splits["train"].images[:n].float()).permute(0, 3, 1, 2)

    def shrunk_by(self) -> str | None:
        """Returns the option that has made the training images of this epoch smaller; None if they are whole."""
        return "data.augmentation.first_sizes" if self.augmentation.shrinks_in(self.trainer.current_epoch) else None

    def on_after_batch_transfer(self, batch: NamedTuple, dataloader_idx: int) -> tuple:
        """Augments (in training only) and normalises the whole batch on its device.

        Args:
            batch: A batch with uint8 images [B, H, W, C], or with their features.
            dataloader_idx: Unused; Lightning's signature.

        Returns:
            The batch with float32 images [B, C, H, W], in channels-last layout if the trainer uses it, or with their
            features [B, ...] if there is an encoder; a pair of images and targets for a model of another package.
        """
        return self.prepared(batch, shrinks=bool(self.augmentation.first_sizes) and self.trainer.training)

    def prepared(self, batch: NamedTuple, shrinks: bool = False) -> tuple:
        """Returns what `on_after_batch_transfer` does, shrunk as in training if asked for."""
        if self.encoder is not None and batch.images.dtype != torch.uint8:
            return self.kept_features(batch)
        # the "true" precisions have converted the draws too, which are not the network's
        draws = {name: values.float() if values.is_floating_point() else values for name, values in batch.draws.items()}
        images = self.prepare(batch.images, draws)
        if shrinks:
            images = self.augmentation.shrink(images, self.trainer.current_epoch)
        images = images.to(self.trainer.lightning_module.dtype)  # float32 except with the "true" precisions
        # only for models that take named batches; Lightning's own trainer, which may measure, has no such layout
        channels_last = getattr(self.trainer, "channels_last", False)
        if not channels_last:
            images = images.contiguous()
        if self.encoder is not None:
            images = self.encoder(images).to(images.dtype)
        batch = batch._replace(images=images, draws={})
        named = channels_last or isinstance(self.trainer.lightning_module, TakesNamedBatches)
        return batch if named or not isinstance(batch, ImageBatch) else ImagePair(batch)
