"""What can be done with a trained run: the command that tests it, or else the one that uses it."""

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities.model_helpers import is_overridden

from core.protocols.pictures import GeneratesPictures, PredictsPictures
from datamodules.base.data_module import DataModule

OUTPUT = ["--output", "FOLDER"]  # a new one, which makers of pictures need


def next_command(model: LightningModule, datamodule: LightningDataModule | None) -> list[str]:
    """Returns the words of the command that comes after training, but those that name the run.

    Args:
        model: The model.
        datamodule: Its data, loaded; None for loaders that were given by themselves.

    Returns:
        `test` where there are samples for it, or `predict` with the options that it needs; nothing where the model or
        the data can do neither. What the user has to give is in capitals.
    """
    if datamodule is None:
        return []
    ours = isinstance(datamodule, DataModule)
    has_tests = datamodule.sizes.get("test", 0) > 0 if ours else is_overridden("test_dataloader", datamodule)
    if has_tests and is_overridden("test_step", model):
        return ["test"]
    if not is_overridden("predict_step", model):
        return []
    if isinstance(model, GeneratesPictures):
        return ["predict", *OUTPUT]
    if not ours:
        return ["predict"] if is_overridden("predict_dataloader", datamodule) else []
    needed = datamodule.needed_input()
    output = OUTPUT if isinstance(model, PredictsPictures) else []
    return ["predict", *(["--input", needed] if needed else []), *output]
