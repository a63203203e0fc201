"""The base of data sets of classified images."""

import torch
from torch import Tensor

from datamodules.base.classification import ClassificationDataModule
from datamodules.base.splitting import stratified_split
from datamodules.images.image_data_module import SYNTHETIC, ImageDataModule
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import CLASS_NAMES as SYNTHETIC_CLASSES
from datamodules.images.synthetic import synthetic_images


class ImageClassificationDataModule(ClassificationDataModule, ImageDataModule):
    """Images with one class each. Validation images are set aside with the classes in proportion.

    A subclass names the data set in class attributes (`name`, `class_names`, `num_classes`, and those of
    `ImageDataModule`) and reads it in `read`. Its arguments are those of `ImageDataModule`.
    """

    splits: dict[str, ClassifiedImages]

    def adapt_to_synthetic(self) -> None:
        """Names the classes of the synthetic pictures."""
        self.class_names = SYNTHETIC_CLASSES[: self.num_classes]

    def synthesize(self) -> dict[str, ClassifiedImages]:
        """Draws pictures of as many classes in place of the data set."""
        shape = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        return {
            part: ClassifiedImages(*synthetic_images(n, seed=seed, **shape))
            for seed, (part, n) in enumerate(SYNTHETIC.items(), 1)
        }

    @property
    def least_train_size(self) -> int:
        """Number of training images that must be left: one a class."""
        return self.num_classes

    def split_off(self, part: ClassifiedImages, val_size: int) -> tuple[ClassifiedImages, ClassifiedImages]:
        """Splits the training images into those to train on and a validation set of `val_size`."""
        return stratified_split(part, val_size, self.num_classes, self.split_seed)

    def split_to_predict(self, images: Tensor) -> ClassifiedImages:
        """Returns a split of images whose classes are unknown: -1."""
        return ClassifiedImages(images, torch.full((len(images),), -1))
