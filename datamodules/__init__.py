"""Data sets: one LightningDataModule a file. They are imported by name, so that none is loaded unasked."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datamodules.char_corpus import CharCorpusDataModule
    from datamodules.cifar10 import CIFAR10DataModule
    from datamodules.image_folder import ImageFolderDataModule
    from datamodules.mnist import MNISTDataModule
    from datamodules.text_classification import TextClassificationDataModule
    from datamodules.xor import XORDataModule

_PLACES = {
    "CharCorpusDataModule": "datamodules.char_corpus",
    "CIFAR10DataModule": "datamodules.cifar10",
    "ImageFolderDataModule": "datamodules.image_folder",
    "MNISTDataModule": "datamodules.mnist",
    "TextClassificationDataModule": "datamodules.text_classification",
    "XORDataModule": "datamodules.xor",
}

__all__ = [*_PLACES]


def __getattr__(name: str) -> type:
    if name not in _PLACES:
        raise AttributeError(f"module 'datamodules' has no attribute '{name}'")
    return getattr(import_module(_PLACES[name]), name)
