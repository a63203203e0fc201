"""Lightning's data module, without what data sets of this project do otherwise."""

from typing import Any, NoReturn

from pytorch_lightning import LightningDataModule

from core.errors import InputError


class LightningBase(LightningDataModule):
    """Lightning's data module, of which nothing is made from a checkpoint alone."""

    def __str__(self) -> str:
        """Returns its class: Lightning's own would load all data, and a link of an absent attribute asks for it."""
        return type(self).__name__

    @classmethod
    def load_from_checkpoint(cls, *_: Any, **__: Any) -> NoReturn:
        """Refuses, since checkpoints hold no arguments of a data set.

        Raises:
            InputError: Always; says where they are.
        """
        raise InputError(
            f"{cls.__name__}.load_from_checkpoint: no checkpoint holds the arguments of a data set; make it with those "
            "under `data` in the run's config.yaml"
        )
