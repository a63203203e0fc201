"""Decoding of one picture file into the pixels that a person sees."""

import contextlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from core.errors import InputError
from core.input_files import check_regular
from datamodules.images.metadata import without_metadata

SIXTEEN = 16  # bits of a value in a picture with more than 8
LARGEST = 300_000_000  # pixels of a picture after a JPEG's reduced decoding; four bytes each, in several copies
LARGE = 40_000_000  # pixels from which pictures are decoded one at a time, which limits memory
NO_PICTURE = "no picture that can be read"
TURNS = {  # by the number that a camera notes
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_opening, _decoding_large = threading.Lock(), threading.Lock()


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: uint8 [size, size, channels].
        depth: Bits that the values of a grey picture of 16 bits take up, at least 8; 0 for other pictures.
        transparent: Whether the file has transparency, which is white here.
    """

    pixels: np.ndarray
    depth: int = 0
    transparent: bool = False


def read_picture(path: Path, size: int, channels: int, resize: bool, bits: int = SIXTEEN) -> Picture:
    """Decodes one picture: upright, and on white where it is transparent.

    What a file notes beside its pixels, such as a comment or a damaged date, never makes it unreadable.

    Args:
        path: The file, of any format that Pillow reads.
        size: Height and width.
        channels: 1 for grey, 3 for colour; a picture of another mode is converted.
        resize: Whether to resize a picture of another size to `size` on its shorter side and center-crop it, which
            keeps the aspect ratio; otherwise another size is an error.
        bits: Bits of a grey picture of 16 that hold values, such as 12 of a camera's; the highest eight of these are
            kept.

    Raises:
        InputError: The file is no picture, is broken or too large, or has another size or pixel format; the message
            names it.
    """
    check_regular(path)
    try:
        try:
            return _decode(path, size, channels, resize, bits)
        except InputError:
            raise
        except Exception:  # decoders raise many types of errors for broken files
            pixels_alone = without_metadata(path.read_bytes())
            if pixels_alone is None:
                raise
            return _decode(io.BytesIO(pixels_alone), size, channels, resize, bits)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:
        reason = NO_PICTURE if "cannot identify" in str(error) else f"broken picture: {error}"
        if path.suffix.lower() in (".heic", ".heif"):
            reason = f"{NO_PICTURE}: convert HEIC to JPEG or PNG"
        raise InputError(f"{path}: {reason}") from error


def _decode(source: Path | io.BytesIO, size: int, channels: int, resize: bool, bits: int) -> Picture:
    with _opened(source) as picture:
        if resize:
            # A large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, if that is still twice the needed size: up to
            # eight times as fast, with nearly the same result.
            picture.draft(None, (2 * size, 2 * size))
        pixels = picture.width * picture.height
        if pixels > LARGEST:
            raise InputError(f"{picture.width}x{picture.height} pixels, more than the {LARGEST:,} that are read")
        with _decoding_large if pixels > LARGE else contextlib.nullcontext():
            picture.load()
            sixteen = picture.format in ("PNG", "PPM")  # whose values end at 65,535 in mode I
            turn = TURNS.get(_orientation(picture))
            if turn is not None:
                picture = picture.transpose(turn)
            transparent = picture.has_transparency_data
            depth = 0
            if picture.mode.startswith("I;16") or (picture.mode == "I" and sixteen):
                picture, depth = _eight_bits(picture, bits)
            elif picture.mode in ("I", "F"):  # the value of white is not defined for these
                raise InputError(f"pixels of mode {picture.mode}, where 8 or 16 bits are expected")
            elif transparent:
                picture = _on_white(picture)
            picture = picture.convert("L" if channels == 1 else "RGB")
            if picture.size != (size, size):
                if not resize:
                    raise InputError(f"{picture.width}x{picture.height} pixels, where {size}x{size} are expected")
                side = min(picture.size)
                left, top = (picture.width - side) / 2, (picture.height - side) / 2
                middle = (left, top, left + side, top + side)
                picture = picture.resize((size, size), Image.Resampling.BICUBIC, box=middle)
        return Picture(np.array(picture).reshape(size, size, channels), depth, transparent)


@contextlib.contextmanager
def _opened(source: Path | io.BytesIO) -> Iterator[Image.Image]:
    """Opens a picture without Pillow's limit of its size, which is lower than that of this module."""
    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            picture = Image.open(source)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with picture:
        yield picture


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata raise many types of errors
        return 1


def _eight_bits(picture: Image.Image, bits: int) -> tuple[Image.Image, int]:
    """Returns the eight highest of a grey picture's bits, with white for transparent values, and the bits in use."""
    values = np.asarray(picture)
    depth = max(8, int(values.max()).bit_length())
    grey = np.minimum(values >> (bits - 8), 255).astype(np.uint8)  # Pillow's convert would cut at 255 instead
    hidden = picture.info.get("transparency")
    if isinstance(hidden, int):
        grey[values == hidden] = 255
    return Image.fromarray(grey), depth


def _on_white(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white
