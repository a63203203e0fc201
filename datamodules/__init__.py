"""Data sets: one LightningDataModule a file, imported at its first use."""

from typing import TYPE_CHECKING

from core.code.lazy_imports import lazy_imports

if TYPE_CHECKING:
    from datamodules.captions import CaptionDataModule
    from datamodules.char_corpus import CharCorpusDataModule
    from datamodules.cifar10 import CIFAR10DataModule
    from datamodules.class_folders import ClassFoldersDataModule
    from datamodules.flowers import FlowersDataModule
    from datamodules.image_folder import ImageFolderDataModule
    from datamodules.mnist import MNISTDataModule
    from datamodules.music import MusicDataModule
    from datamodules.pictures import PicturesDataModule
    from datamodules.style_pictures import StylePicturesDataModule
    from datamodules.svhn import SVHNDataModule
    from datamodules.text_classification import TextClassificationDataModule
    from datamodules.translation import TranslationDataModule
    from datamodules.word_corpus import WordCorpusDataModule
    from datamodules.xor import XORDataModule

_MODULES = {
    "CaptionDataModule": "captions",
    "CharCorpusDataModule": "char_corpus",
    "CIFAR10DataModule": "cifar10",
    "ClassFoldersDataModule": "class_folders",
    "FlowersDataModule": "flowers",
    "ImageFolderDataModule": "image_folder",
    "MNISTDataModule": "mnist",
    "MusicDataModule": "music",
    "PicturesDataModule": "pictures",
    "SVHNDataModule": "svhn",
    "StylePicturesDataModule": "style_pictures",
    "TextClassificationDataModule": "text_classification",
    "TranslationDataModule": "translation",
    "WordCorpusDataModule": "word_corpus",
    "XORDataModule": "xor",
}

__getattr__, __all__ = lazy_imports(__name__, _MODULES)
