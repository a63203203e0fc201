"""Pictures that a model makes, written to files by `predict`: in a folder, or all in one file."""

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.files.outputs import check_output_file, check_output_folder, contents, is_among, needed_output, write_output
from core.media import Grid
from core.terminal.console import print_line
from core.terminal.printable import counted, shown_path

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
QUALITY = 95  # of JPEG and WebP
COLUMNS = 10  # of a grid
NO_LETTERS = '/\\:?*<>"|'  # of a file's name on some system


def check_picture_output(output: str | None, inputs: Sequence[str]) -> None:
    """Checks, before anything is made, that there is a place for pictures. A folder's files are never replaced.

    Args:
        output: A new or empty folder, or a picture file.
        inputs: Files or folders of pictures that are taken.

    Raises:
        InputError: None is named, it has something in it, it cannot be made, or it is among the inputs.
    """
    if not output:
        raise InputError("--output: name a folder for the pictures, or a file such as picture.png for all in one")
    path = from_home(output)
    if path.suffix.lower() in ENDINGS and (path.parent.is_dir() or path.is_dir()):
        check_output_file(output, "picture.png")
        if path.is_file() and any(is_among(path, name) for name in inputs):
            raise needed_output(output, "is what is read")
        return
    if path.suffix and path.suffix.lower() not in ENDINGS and not path.exists():
        raise InputError(f"--output {output}: name a folder, or a file that ends in {', '.join(ENDINGS)}")
    check_output_folder(output)
    if path.is_dir() and any(contents(path)):
        raise InputError(f"--output {output}: is there already, and nothing in it is replaced; name a new folder")


def write_pictures(names: Sequence[str], pictures: Sequence[Tensor], output: str) -> list[Path]:
    """Writes pictures, and returns the file of each.

    Args:
        names: Names of the files, without endings; one that stands there again gets a number.
        pictures: Each uint8 [H, W, C], with 1 or 3 channels; at least one.
        output: The folder, or a file for one picture, or for several of one size as a grid.

    Raises:
        InputError: There are several sizes for one file, or a file cannot be written.
    """
    path = from_home(output)
    if path.suffix.lower() in ENDINGS:
        if len({picture.shape for picture in pictures}) > 1:
            raise InputError(f"--output {output}: a file is for pictures of one size, and these differ; name a folder")
        _write(path, Grid(name="pictures", step=0, images=torch.stack(list(pictures)), columns=COLUMNS).pixels, output)
        files = [path] * len(pictures)
    else:
        used: set[str] = set()
        files = [path / f"{_unused(_safe(name), used)}.png" for name in names]
        for file, picture in zip(files, pictures, strict=True):
            _write(file, picture, output)
    print_line(f"{counted(len(pictures), 'picture')} written to {shown_path(path)}")
    return files


def _write(file: Path, pixels: Tensor, output: str) -> None:
    """Writes pixels [H, W, C] in the format of the file's ending."""
    stream = io.BytesIO()
    picture = Image.fromarray(pixels.cpu().squeeze(-1).numpy())
    try:
        picture.save(stream, Image.registered_extensions()[file.suffix.lower()], quality=QUALITY)
    except (ValueError, OSError) as error:
        size = f"{picture.width:,}x{picture.height:,} pixels"
        reason = f"{size} cannot be written in this format ({error}); name a folder"
        raise InputError(f"--output {output}: {reason}") from error
    write_output(file, stream.getvalue(), output, makes_folder=True)


def _safe(name: str) -> str:
    """Returns a name without what no file's name has on some system."""
    return "".join("-" if letter in NO_LETTERS else letter for letter in name)


def _unused(stem: str, used: set[str]) -> str:
    """Returns a name for a file that no other has, also where a disk takes `A` for `a`, and notes it."""
    name, number = stem, 1
    while name.casefold() in used:
        number += 1
        name = f"{stem}_{number}"
    used.add(name.casefold())
    return name
