"""Decoding of one picture file into the pixels that a person sees."""

import contextlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from core.errors import InputError
from core.files.input_files import check_regular
from core.files.picture_formats import open_picture, way_out
from datamodules.images import deep_pixels
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.metadata import without_metadata
from datamodules.images.orientation import turn_of, upright_size

LARGEST = 300_000_000  # pixels of a picture after a JPEG's reduced decoding; four bytes each, in several copies
LARGE = 40_000_000  # pixels from which pictures are decoded one at a time, which limits memory
NO_PICTURE = "no picture that can be read"
SENT = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # formats of pictures that come from elsewhere

_opening, _decoding_large = threading.Lock(), threading.Lock()


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: uint8 [H, W, channels].
        depth: Bits that the values of a picture of 16 bits take up, at least 8; 0 for other pictures.
        transparent: Whether the file has transparency, which is white here.
        stated: Whether the file itself says how many bits its values have.
        white_is_zero: Whether lower values of more than 8 bits are lighter in the file.
        content: A digest of the file, where one was asked for.
    """

    pixels: np.ndarray
    depth: int = 0
    transparent: bool = False
    stated: bool = False
    white_is_zero: bool = False
    content: bytes = b""


def read_picture(path: Path, size: int, channels: int, resize: bool, bits: int = SIXTEEN) -> Picture:
    """Decodes one picture: upright, and on white where it is transparent.

    What a file notes beside its pixels, such as a comment or a damaged date, never makes it unreadable.

    Args:
        path: The file, of any format that Pillow reads without running a program.
        size: Height and width.
        channels: 1 for grey, 3 for colour; a picture of another mode is converted.
        resize: Whether to resize a picture of another size to `size` on its shorter side and center-crop it, which
            keeps the aspect ratio; otherwise another size is an error.
        bits: Bits of a picture of 16 that hold values, such as 12 of a camera's, where the file does not say; the
            highest eight of these are kept.

    Raises:
        InputError: The file is no picture, is broken or too large, or has another size or pixel format; the message
            names it.
    """
    shortest = 2 * size if resize else None
    return _read(path, lambda picture: _square(picture, size, resize), shortest, channels, bits)


def read_content(content: bytes, size: int, channels: int, bits: int = SIXTEEN) -> Picture:
    """Decodes the content of a picture file that somebody has sent, and resizes and crops it as `read_picture` does.

    Only formats of the web are read, and no picture of more than `LARGE` pixels.

    Raises:
        InputError: It is no such picture, broken or too large.
    """
    try:
        with _opened(io.BytesIO(content), SENT) as picture:
            width, height = picture.size
    except Exception as error:
        raise InputError(f"{NO_PICTURE} ({', '.join(SENT)})") from error
    if width * height > LARGE:
        raise InputError(f"{width}x{height} pixels, more than the {LARGE:,} that are read")
    try:
        fit = partial(_square, size=size, resize=True)
        return _decode_anyway(io.BytesIO(content), lambda: content, fit, 2 * size, channels, bits, SENT)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"broken picture: {error}") from error


def read_whole_picture(path: Path, size: tuple[int, int], channels: int = 3, bits: int = SIXTEEN) -> Picture:
    """Decodes one picture without cutting it: upright, and on white where it is transparent.

    Args:
        path: The file, of any format that Pillow reads without running a program.
        size: Width and height that it is scaled to.
        channels: 1 for grey, 3 for colour; a picture of another mode is converted.
        bits: Bits of a picture of 16 that hold values, where the file does not say.

    Raises:
        InputError: The file is no picture, is broken or too large; the message names it.
    """

    def scale(picture: Image.Image) -> Image.Image:
        return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)

    return _read(path, scale, 2 * min(size), channels, bits)


def may_be_deep(path: Path) -> bool:
    """Returns whether a picture may have 16 bits, without decoding it; False where it cannot be read."""
    try:
        check_regular(path)
        with open(path, "rb") as file:
            if not deep_pixels.may_begin_deep(file.read(deep_pixels.PNG_BITS + 1)):  # most, without Pillow
                return False
        with _opened(path) as picture:
            return deep_pixels.may_be_deep(picture)
    except Exception:  # decoding says what is wrong
        return False


def picture_size(path: Path) -> tuple[int, int]:
    """Returns width and height of a picture, upright, without decoding it.

    Raises:
        InputError: The file is no picture; the message names it.
    """
    check_regular(path)
    try:
        with _opened(path) as picture:
            return upright_size(picture)
    except Exception as error:
        raise _unreadable(path, error) from error


def _read(
    path: Path, fit: Callable[[Image.Image], Image.Image], shortest: int | None, channels: int, bits: int
) -> Picture:
    """Decodes a file; see `_decode`."""
    check_regular(path)
    try:
        return _decode_anyway(path, path.read_bytes, fit, shortest, channels, bits)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:
        raise _unreadable(path, error) from error


def _decode_anyway(
    source: Path | io.BytesIO,
    read: Callable[[], bytes],
    fit: Callable[[Image.Image], Image.Image],
    shortest: int | None,
    channels: int,
    bits: int,
    formats: Sequence[str] | None = None,
) -> Picture:
    """Decodes a picture, without what it notes beside its pixels if that is damaged; `read` returns its bytes."""
    try:
        return _decode(source, fit, shortest, channels, bits, formats)
    except InputError:
        raise
    except Exception:  # decoders raise many types of errors for broken files
        pixels_alone = without_metadata(read())
        if pixels_alone is None:
            raise
        return _decode(io.BytesIO(pixels_alone), fit, shortest, channels, bits, formats)


def _unreadable(path: Path, error: Exception) -> InputError:
    if advice := way_out(path.suffix):
        return InputError(f"{path}: {NO_PICTURE}: {advice}")
    return InputError(f"{path}: {NO_PICTURE if 'cannot identify' in str(error) else f'broken picture: {error}'}")


def _decode(
    source: Path | io.BytesIO,
    fit: Callable[[Image.Image], Image.Image],
    shortest: int | None,
    channels: int,
    bits: int,
    formats: Sequence[str] | None,
) -> Picture:
    """Decodes a picture.

    Args:
        source: The file.
        fit: Gives the upright picture its final size.
        shortest: Least width and height that are needed; all pixels if not given.
        channels: 1 for grey, 3 for colour.
        bits: Bits of a picture of 16 that hold values.
        formats: Formats that are tried; all that are read if not given.
    """
    with _opened(source, formats) as picture:
        if shortest is not None:
            # A large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, if that is still twice the needed size: up to
            # eight times as fast, with nearly the same result.
            picture.draft(None, (shortest, shortest))
        pixels = picture.width * picture.height
        if pixels > LARGEST:
            raise InputError(f"{picture.width}x{picture.height} pixels, more than the {LARGEST:,} that are read")
        with _decoding_large if pixels > LARGE else contextlib.nullcontext():
            deep = deep_pixels.load(picture, partial(_opened, source, formats))
            turn, transparent = turn_of(picture), picture.has_transparency_data
            facts = {}
            if deep is not None:
                facts = {"depth": deep.depth, "stated": deep.stated > 0, "white_is_zero": deep.white_is_zero}
                picture = deep.highest_bits(bits)
            if turn is not None:
                picture = picture.transpose(turn)
            if picture.has_transparency_data:
                picture = _on_white(picture)
            picture = picture.convert("L" if channels == 1 else "RGB")
            picture = fit(picture)
        shape = (picture.height, picture.width, channels)
        return Picture(np.array(picture).reshape(shape), transparent=transparent, **facts)


def _square(picture: Image.Image, size: int, resize: bool) -> Image.Image:
    """Returns the middle of a picture as a square; one of another size is an error unless it may be resized."""
    if picture.size == (size, size):
        return picture
    if not resize:
        raise InputError(f"{picture.width}x{picture.height} pixels, where {size}x{size} are expected")
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    middle = (left, top, left + side, top + side)
    return picture.resize((size, size), Image.Resampling.BICUBIC, box=middle)


@contextlib.contextmanager
def _opened(source: Path | io.BytesIO, formats: Sequence[str] | None = None) -> Iterator[Image.Image]:
    """Opens a picture without Pillow's limit of its size, which is lower than that of this module."""
    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            picture = open_picture(source, formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with picture:
        yield picture


def _on_white(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white
