"""The base of data sets of classified images."""

import torch
from torch import Tensor

from datamodules.base.classification import ClassificationDataModule
from datamodules.base.splitting import stratified_split
from datamodules.images.image_data_module import SYNTHETIC, ImageDataModule
from datamodules.images.splits import ClassifiedImages
from datamodules.images.streaming import PictureFiles
from datamodules.images.synthetic import CLASS_NAMES as SYNTHETIC_CLASSES
from datamodules.images.synthetic import synthetic_images


class ImageClassificationDataModule(ClassificationDataModule, ImageDataModule):
    """Images with one class each. The validation split has every class in proportion (stratified).

    A subclass describes the data set in class attributes (`name`, `class_names`, `num_classes`, and those of
    `ImageDataModule`) and reads it in `read`. Its arguments are those of `ImageDataModule`.
    """

    splits: dict[str, ClassifiedImages]

    def adapt_to_synthetic(self) -> None:
        """Sets the class names to those of the synthetic pictures."""
        self.class_names = SYNTHETIC_CLASSES[: self.num_classes]

    def synthesize(self) -> dict[str, ClassifiedImages]:
        """Generates pictures of the same number of classes."""
        shape = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        return {
            part: ClassifiedImages(*synthetic_images(n, seed=seed, **shape))
            for seed, (part, n) in enumerate(SYNTHETIC.items(), 1)
        }

    @property
    def least_train_size(self) -> int:
        """Least number of training images after the validation split: one per class."""
        return self.num_classes

    def split_off(self, part: ClassifiedImages, val_size: int) -> tuple[ClassifiedImages, ClassifiedImages]:
        """Splits the training images into a training and a validation set, the latter with `val_size` images."""
        return stratified_split(part, val_size, self.num_classes, self.split_seed)

    def split_to_predict(self, images: Tensor | PictureFiles) -> ClassifiedImages:
        """Returns a split of images to predict, with -1 as their unknown class."""
        return ClassifiedImages(images, torch.full((len(images),), -1))
