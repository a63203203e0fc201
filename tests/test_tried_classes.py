"""Every network and every data set is resumed and shared by two processes in some test, or it is stated why not.

A new one is to be put into these tables.
"""

from importlib import import_module
from typing import NamedTuple

import pytest

import datamodules
import lightning_modules
from tests.processes import ROOT


class Tried(NamedTuple):
    """Where something is tried.

    Attributes:
        file: The test file.
        kind: The class that it tries: the one in question, or one that trains, saves and loads by the same methods.
    """

    file: str
    kind: str


LAYERS = Tried("engine/runs/test_resume.py", "lightning_modules.VGG")  # what differs from it is layers alone
PICTURES = Tried("engine/runs/test_resume.py", "tests.tiny.TinyDataModule")
CHARACTERS = Tried("lightning_modules/test_char_rnn.py", "lightning_modules.CharRNN")
CAPTIONS = Tried("test_caption_runs.py", "lightning_modules.TransformerCaptioner")
TRANSLATION = Tried("test_translation_runs.py", "lightning_modules.Seq2Seq")
PLAYERS = Tried("test_generated_runs.py", "lightning_modules.DCGAN")
DOCUMENTS = Tried("datamodules/test_text_classification.py", "lightning_modules.TextRNN")
LAYERS_OF_TWO = Tried("test_ddp.py", "lightning_modules.VGG")
PICTURES_OF_TWO = Tried("test_ddp.py", "tests.tiny.TinyDataModule")
DOCUMENTS_OF_TWO = Tried("test_text_runs.py", "lightning_modules.BagOfNgrams")

IMAGE_CLASSIFIERS = (
    *("AlexNet", "ConvNet", "CourseInception", "CourseMobileNet", "CourseResNet", "DenseNet", "EfficientNetLite"),
    *("GoogLeNet", "LeNet5", "LogisticRegression", "MLP", "MobileNet", "MobileNetV2", "ModernLeNet5", "Perceptron"),
    *("ResNet", "SoftmaxRegression", "VGG"),
)

# Resumed within an epoch, and compared to the bit with a run that was not interrupted.
RESUMED: dict[str, Tried | str] = {
    **dict.fromkeys(IMAGE_CLASSIFIERS, LAYERS),
    "AttentionCaptioner": CAPTIONS,
    "BagOfNgrams": DOCUMENTS,
    "Captioner": CAPTIONS,
    "CharRNN": CHARACTERS,
    "DCGAN": PLAYERS,
    "FastStyle": Tried("lightning_modules/test_fast_style.py", "lightning_modules.FastStyle"),
    "GAN": PLAYERS,
    "Seq2Seq": TRANSLATION,
    "StyleTransfer": Tried("lightning_modules/test_style_transfer.py", "lightning_modules.StyleTransfer"),
    "TextCNN": DOCUMENTS,
    "TextRNN": DOCUMENTS,
    "Transformer": TRANSLATION,
    "TransformerCaptioner": CAPTIONS,
    "TransformerLM": Tried("test_music_runs.py", "lightning_modules.TransformerLM"),
    "WordVectors": Tried("datamodules/test_word_corpus.py", "lightning_modules.WordVectors"),
    "CIFAR10DataModule": PICTURES,
    "CaptionDataModule": Tried("test_caption_runs.py", "tests.tiny_captions.TinyCaptions"),
    "CharCorpusDataModule": Tried("lightning_modules/test_char_rnn.py", "tests.tiny_text.TinyCorpus"),
    "ClassFoldersDataModule": "loads its batches as ImageFolderDataModule does; beside them it keeps names of classes",
    "FlowersDataModule": "loads its batches as ImageFolderDataModule does; beside them it keeps names of classes",
    "ImageFolderDataModule": Tried("datamodules/test_image_folder.py", "datamodules.ImageFolderDataModule"),
    "MNISTDataModule": PICTURES,
    "MusicDataModule": Tried("test_music_runs.py", "tests.tiny_text.TinyTunes"),
    "PicturesDataModule": Tried("lightning_modules/test_fast_style.py", "datamodules.PicturesDataModule"),
    "SVHNDataModule": PICTURES,
    "StylePicturesDataModule": Tried("lightning_modules/test_style_transfer.py", "datamodules.StylePicturesDataModule"),
    "TextClassificationDataModule": Tried("datamodules/test_text_classification.py", "tests.tiny_text.TinyDocuments"),
    "TranslationDataModule": Tried("test_translation_runs.py", "tests.tiny_text.TinyPairs"),
    "WordCorpusDataModule": Tried("datamodules/test_word_corpus.py", "datamodules.WordCorpusDataModule"),
    "XORDataModule": PICTURES,
}

# Trained by two processes, whose weights or figures are compared with those of one.
ON_TWO_DEVICES: dict[str, Tried | str] = {
    **dict.fromkeys(IMAGE_CLASSIFIERS, LAYERS_OF_TWO),
    "AttentionCaptioner": CAPTIONS,
    "BagOfNgrams": DOCUMENTS_OF_TWO,
    "Captioner": CAPTIONS,
    "CharRNN": Tried("test_text_runs.py", "lightning_modules.CharRNN"),
    "DCGAN": PLAYERS,
    "FastStyle": "its losses are means over the pictures of a batch, as a test of one process holds",
    "GAN": PLAYERS,
    "Seq2Seq": TRANSLATION,
    "StyleTransfer": "one picture is trained on one device; more are refused",
    "TextCNN": DOCUMENTS_OF_TWO,
    "TextRNN": DOCUMENTS_OF_TWO,
    "Transformer": TRANSLATION,
    "TransformerCaptioner": CAPTIONS,
    "TransformerLM": Tried("test_music_runs.py", "lightning_modules.TransformerLM"),
    "WordVectors": Tried("datamodules/test_word_corpus.py", "lightning_modules.WordVectors"),
    "CIFAR10DataModule": PICTURES_OF_TWO,
    "CaptionDataModule": Tried("test_caption_runs.py", "tests.tiny_captions.TinyCaptions"),
    "CharCorpusDataModule": Tried("test_text_runs.py", "tests.tiny_text.TinyCorpus"),
    "ClassFoldersDataModule": "its loader is that of all pictures, whose tests join the parts of several processes",
    "FlowersDataModule": "its loader is that of all pictures, whose tests join the parts of several processes",
    "ImageFolderDataModule": "its loader is that of all pictures, whose tests join the parts of several processes",
    "MNISTDataModule": PICTURES_OF_TWO,
    "MusicDataModule": Tried("test_music_runs.py", "tests.tiny_text.TinyTunes"),
    "PicturesDataModule": "its loader is that of all pictures, whose tests join the parts of several processes",
    "SVHNDataModule": PICTURES_OF_TWO,
    "StylePicturesDataModule": "one picture is trained on one device; more are refused",
    "TextClassificationDataModule": Tried("test_text_runs.py", "tests.tiny_text.TinyDocuments"),
    "TranslationDataModule": Tried("test_translation_runs.py", "tests.tiny_text.TinyPairs"),
    "WordCorpusDataModule": Tried("datamodules/test_word_corpus.py", "datamodules.WordCorpusDataModule"),
    "XORDataModule": PICTURES_OF_TWO,
}
TABLES = {"resumed": (RESUMED, "same_bits"), "on two devices": (ON_TWO_DEVICES, "start_ranks")}

# By which a class trains, saves and loads.
METHODS = (
    *("training_step", "losses", "configure_optimizers", "optimizer_of", "on_train_start", "on_train_epoch_start"),
    *("on_save_checkpoint", "on_load_checkpoint", "state_dict", "load_state_dict", "train_dataloader", "make_loader"),
)


def named(path: str) -> type:
    """Returns a class by its import path."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("table", TABLES)
def test_every_network_and_data_set_has_its_entry(table: str) -> None:
    assert TABLES[table][0].keys() == {*lightning_modules.__all__, *datamodules.__all__}


@pytest.mark.parametrize("table", TABLES)
def test_an_entry_names_a_test_of_the_class_or_of_one_with_its_methods(table: str) -> None:
    entries, sign = TABLES[table]
    other = {}
    for name, entry in entries.items():
        if isinstance(entry, Tried):
            assert sign in (ROOT / "tests" / entry.file).read_text(encoding="utf-8"), f"{name}: {entry.file}"
            room = lightning_modules if name in lightning_modules.__all__ else datamodules
            kinds = getattr(room, name), named(entry.kind)
            other[name] = [one for one in METHODS if len({getattr(kind, one, None) for kind in kinds}) > 1]
    assert not {name: methods for name, methods in other.items() if methods}
