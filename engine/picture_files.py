"""Pictures that a model has made, written to files by `predict`."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from core.atomic_files import write_atomically
from core.console import print_line
from core.errors import InputError
from core.predictions import Table
from core.printable import shown_path

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
QUALITY = 95  # of JPEG and WebP


def check_picture_output(output: str | None, inputs: Sequence[str]) -> None:
    """Checks, before anything is made, that there is a place for pictures.

    Args:
        output: A folder, which is made if it is not there, or a picture file for one picture.
        inputs: Files or folders of pictures that are taken.

    Raises:
        InputError: None is named, it cannot be made, or it has the inputs.
    """
    if not output:
        raise InputError("--output: name a folder for the pictures, or a file such as picture.png for one")
    path = Path(output).expanduser()
    folder = path.parent if path.suffix.lower() in ENDINGS else path
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--output {output}: {folder} is a file, and no folder")
    if path == folder and path.suffix:
        raise InputError(f"--output {output}: name a folder, or a file that ends in {', '.join(ENDINGS)}")
    taken = [Path(name).expanduser().resolve() for name in inputs]
    if path.resolve() in taken or (path == folder and path.resolve() in {one.parent for one in taken if one.is_file()}):
        raise InputError(f"--output {output}: holds what is read, which might be replaced; choose another")


def write_pictures(names: Sequence[str], pictures: Sequence[Tensor], output: str) -> Table:
    """Writes pictures, and returns a table of the files.

    Args:
        names: What each was made of, or is called; files give theirs.
        pictures: Each uint8 [H, W, C], with 1 or 3 channels.
        output: The folder, or the file of one picture.

    Raises:
        InputError: There are several pictures for one file, or a file cannot be written.
    """
    path = Path(output).expanduser()
    one_file = path.suffix.lower() in ENDINGS
    if one_file and len(pictures) > 1:
        raise InputError(f"--output {output}: a file is for one picture, and there are {len(pictures)}; name a folder")
    rows, used = [], set()
    for name, pixels in zip(names, pictures, strict=True):
        file = path if one_file else path / f"{_unused(Path(name).stem, used)}.png"
        stream = io.BytesIO()
        image = Image.fromarray(pixels.squeeze(-1).numpy())
        image.save(stream, Image.registered_extensions()[file.suffix.lower()], quality=QUALITY)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, stream.getvalue())
        except OSError as error:
            raise InputError(f"--output {output}: cannot be written ({error.strerror})") from error
        rows.append((name, str(shown_path(file)), f"{image.width}x{image.height}"))
    print_line(f"{len(rows):,} picture{'s' * (len(rows) != 1)} written to {shown_path(path)}")
    return Table(("picture", "file", "size"), rows)


def _unused(stem: str, used: set[str]) -> str:
    """Returns a name for a file that no other has, and notes it."""
    name, number = stem, 1
    while name in used:
        number += 1
        name = f"{stem}_{number}"
    used.add(name)
    return name
