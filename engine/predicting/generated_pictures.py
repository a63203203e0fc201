"""Lets a generator make pictures in `predict`, and writes them."""

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from core.errors import InputError
from core.protocols.general import HasClasses
from core.protocols.pictures import GeneratesPictures
from engine.predicting.picture_files import check_picture_output, write_pictures
from engine.trainer import Trainer


def check_request(model: GeneratesPictures, inputs: list[str], output: str | None) -> None:
    """Checks, before any picture is made, that pictures are asked for in a way that gives some, and where they go.

    Args:
        model: The model.
        inputs: Files, folders or texts that are named.
        output: Folder or file of the pictures.

    Raises:
        InputError: There are inputs, or the pictures cannot go there.
    """
    if inputs:
        raise InputError(
            f"--input: {type(model).__name__} makes pictures of noise; --model.samples says how many, --model.classes "
            "of which classes"
        )
    check_picture_output(output, [])


def make_pictures(
    trainer: Trainer, model: GeneratesPictures, datamodule: LightningDataModule, ckpt_path: str | None, output: str
) -> None:
    """Lets a generator make the pictures that are asked for, and writes them.

    Args:
        trainer: The trainer.
        model: The generator.
        datamodule: The data that it was trained on, which need not be there; its classes name the files.
        ckpt_path: Checkpoint of the weights.
        output: A folder, or a picture file for all.

    Raises:
        InputError: They cannot be written, are of a class that is not there, or are to be made on several devices.
    """
    if trainer.world_size > 1:
        raise InputError("predict: pictures are made on one device; give --trainer.devices 1")
    classes = datamodule.class_names if isinstance(datamodule, HasClasses) else ()
    requests = DataLoader(model.requests(classes), batch_size=None, generator=torch.Generator())
    made = trainer.predict(model, dataloaders=requests, ckpt_path=ckpt_path)
    pictures = torch.cat(made)
    names = model.picture_names(classes)[: len(pictures)]  # all, unless a limit of the trainer ended it before
    write_pictures(names, pictures[: len(names)], output)
