"""Writes the pictures that a generator makes in `predict`: as PNG files in a folder, or as one grid."""

from pathlib import Path

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from core.atomic_files import write_atomically
from core.console import print_line
from core.errors import InputError, RunFailed
from core.media import Grid, Image
from core.media_files import encode
from core.picture_protocols import GeneratesPictures
from core.printable import shown_path
from core.protocols import HasClasses
from engine.trainer import Trainer

COLUMNS = 10  # of a grid


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
    if not output:
        raise InputError("--output: name a folder for the pictures, or a .png file for all of them in one")
    path = Path(output).expanduser()
    if not path.parent.is_dir():
        raise InputError(f"--output {output}: cannot be written (no folder {path.parent})")
    if path.suffix.lower() == ".png":
        if path.is_dir():
            raise InputError(f"--output {output}: a folder; name a file")
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"--output {output}: is there already, and nothing in it is replaced; name a new folder")


def write_pictures(
    trainer: Trainer, model: GeneratesPictures, datamodule: LightningDataModule, ckpt_path: str | None, output: str
) -> None:
    """Lets a generator make the pictures that are asked for, and writes them.

    Args:
        trainer: The trainer.
        model: The generator.
        datamodule: The data that it was trained on, which need not be there; its classes name the files.
        ckpt_path: Checkpoint of the weights.
        output: A folder, or a file that ends in `.png`.

    Raises:
        InputError: They cannot be written, or are to be made on several devices.
    """
    if trainer.world_size > 1:
        raise InputError("predict: pictures are made on one device; give --trainer.devices 1")
    requests = DataLoader(model.requests(), batch_size=None, generator=torch.Generator())
    made = trainer.predict(model, dataloaders=requests, ckpt_path=ckpt_path)
    names = model.picture_names(datamodule.class_names if isinstance(datamodule, HasClasses) else ())
    pictures = torch.cat(made)[: len(names)]
    path = Path(output).expanduser()
    files = {path / f"{_safe(name)}.png": picture for name, picture in zip(names, pictures, strict=True)}
    try:
        if path.suffix.lower() == ".png":
            columns = min(COLUMNS, len(pictures))
            write_atomically(path, encode(Grid(name="grid", step=0, images=pictures, columns=columns))[1])
        else:
            path.mkdir(exist_ok=True)
            for file, picture in files.items():
                write_atomically(file, encode(Image(name=file.stem, step=0, pixels=picture))[1])
    except (OSError, RunFailed) as error:
        raise InputError(f"--output {output}: cannot be written ({error})") from error
    print_line(f"{len(pictures):,} pictures written to {shown_path(path)}")


def _safe(name: str) -> str:
    """Returns a name without what ends a folder's name."""
    return "".join("-" if letter in "/\\:" else letter for letter in name)
