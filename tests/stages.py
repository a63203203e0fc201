"""Data modules in a stage, as a trainer sets them up."""

from typing import TypeVar

from pytorch_lightning import LightningDataModule, Trainer

Data = TypeVar("Data", bound=LightningDataModule)


def prepared(data: Data, stage: str = "fit", trainer: Trainer | None = None) -> Data:
    """Returns a data module that is ready for a stage.

    Args:
        data: The data module.
        stage: `fit`, `validate`, `test` or `predict`.
        trainer: Its trainer, if it needs one.
    """
    if trainer is not None:
        data.trainer = trainer
    data.prepare_data()
    data.setup(stage)
    return data
