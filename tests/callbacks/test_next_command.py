"""The command after training is one that model and data can do, with the options that it needs."""

import pytest
from pytorch_lightning import LightningModule
from torch.utils.data import DataLoader

from callbacks.next_command import next_command
from datamodules import CaptionDataModule, PicturesDataModule, TranslationDataModule
from datamodules.base.data_module import DataModule
from lightning_modules import DCGAN, FastStyle, LeNet5
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule


class PlainPredictions(PlainModule):
    """A model of another package that predicts but does not test."""

    test_step = LightningModule.test_step

    def predict_step(self, batch: list, batch_idx: int) -> object:
        """Returns the outputs."""
        return self.net(batch[0])


class PredictedData(PlainData):
    """Data of another package with samples to predict."""

    def predict_dataloader(self) -> DataLoader:
        """Returns two batches."""
        return self._loader(16)


def test_what_is_given_is_a_text_or_a_file() -> None:
    assert (TranslationDataModule.input_name, CaptionDataModule.input_name) == ("TEXT", "FILE")


def drawn() -> DataModule:
    """Returns pictures of a plain folder, of which none are for a test."""
    data = PicturesDataModule(source="synthetic")
    data.setup("fit")
    return data


def loaded(tests: bool = True) -> DataModule:
    """Returns data with or without samples to test."""
    data = TinyDataModule()
    data.setup("fit")
    if not tests:
        data.splits["test"] = data.splits["test"].take(slice(0))
    return data


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        (LeNet5, loaded, "test"),
        (LeNet5, lambda: loaded(tests=False), "predict --input FILE"),
        (DCGAN, loaded, "test"),
        (DCGAN, lambda: loaded(tests=False), "predict --output FOLDER"),
        (FastStyle, drawn, "predict --input FILE --output FOLDER"),
        (PlainModule, PlainData, "test"),
        (PlainPredictions, PredictedData, "predict"),
        (PlainPredictions, PlainData, ""),
        (PlainPredictions, lambda: None, ""),
        (PlainModule, lambda: loaded(tests=False), ""),
    ],
)
def test_the_command_is_one_that_model_and_data_can_do(model: type, data: object, words: str) -> None:
    network = object.__new__(model)  # of which nothing is asked but its methods
    assert next_command(network, data()) == words.split()
