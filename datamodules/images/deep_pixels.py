"""Pictures whose values have more than 8 bits: what is in the file, where Pillow alone would keep a colour's high byte,
and the highest eight of the bits in use.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from PIL import Image

from core.errors import InputError
from datamodules.images.metadata import significant_bits

SIXTEEN = 16  # bits of a value in a picture with more than 8
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # tags of TIFF, and a value of the second
OTHER_END = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}  # byte orders of Pillow's raw modes
COLOURS = ("RGB", "RGBA", "RGBX", "CMYK")  # raw modes whose two bytes can be read one at a time
GREY_AND_ALPHA = "LA;16B"
# Pillow swaps the bytes of these, though libtiff has done so already.
AS_LIBTIFF_GIVES = {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F"} if sys.byteorder == "little" else {}
CODECS = ("zip", "raw", "libtiff")  # decoders that unpack as the raw mode says
EIGHT_BITS = (b"\xff\xd8\xff", b"GIF8", b"BM")  # how files of JPEG, GIF and BMP begin
PNG_BEGIN, PNG_BITS = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 24  # and the place of a PNG's bits a value


class DeepPixels(NamedTuple):
    """The values of a picture with more than 8 bits a value.

    Attributes:
        values: uint16 [H, W] of grey, [H, W, C] with more channels; float32 [H, W] of floating-point numbers.
        mode: Pillow's mode of the same picture with 8 bits.
        stated: Bits that a value has by the file's own word, so that white is known; 0 if it does not say.
        white_is_zero: Whether lower values are lighter.
        transparent: The value or colour that is transparent, if one is.
    """

    values: np.ndarray
    mode: str
    stated: int = 0
    white_is_zero: bool = False
    transparent: int | tuple[int, ...] | None = None

    @property
    def depth(self) -> int:
        """Bits that the values take up, by the file's own word or by the largest, at least 8; 0 of fractions."""
        if self.values.dtype == np.float32:
            return 0
        return self.stated or max(8, int(self._without_alpha().max()).bit_length())

    def highest_bits(self, bits: int) -> Image.Image:
        """Returns the picture with 8 bits; a transparent value or colour is white, an alpha channel is kept.

        Args:
            bits: Bits in use where the file does not say: white is 2**bits - 1, and what exceeds it.
        """
        bits = self.stated or bits
        if self.values.dtype == np.float32:
            eight = np.rint(self.values * 255).astype(np.uint8)
        else:
            eight = _highest(self.values, bits)
            if self.mode.endswith("A"):
                alpha = self.values[..., -1]  # often of 16 bits where colours have 12
                eight[..., -1] = _highest(alpha, bits if alpha.max() < 2**bits else SIXTEEN)
        if self.white_is_zero:
            eight = 255 - eight
        if self.transparent is not None:
            equal = self.values == np.asarray(self.transparent)
            eight[equal.all(-1) if equal.ndim == 3 else equal] = 255
        return Image.fromarray(eight, self.mode)

    def _without_alpha(self) -> np.ndarray:
        return self.values[..., :-1] if self.mode.endswith("A") else self.values


def may_begin_deep(begin: bytes) -> bool:
    """Returns whether a file may hold values of more than 8 bits, by its first `PNG_BITS` + 1 bytes."""
    if begin.startswith(PNG_BEGIN):
        return begin[PNG_BITS:] == bytes([SIXTEEN])
    return not (begin.startswith(EIGHT_BITS) or (begin.startswith(b"RIFF") and begin[8:12] == b"WEBP"))


def may_be_deep(picture: Image.Image) -> bool:
    """Returns whether the values of a picture that has been opened may have more than 8 bits."""
    return picture.mode.startswith("I") or _raw_mode_of_low_bytes(_raw_mode(picture)) is not None


def load(picture: Image.Image, again: Callable[[], AbstractContextManager[Image.Image]]) -> DeepPixels | None:
    """Decodes a picture that has been opened.

    Args:
        picture: The picture.
        again: Opens it a second time, for the low bytes of its colours.

    Returns:
        Its values, if they have more than 8 bits; None if the picture itself has all there is.

    Raises:
        InputError: White is not defined for its values.
    """
    raw_mode = _raw_mode(picture)
    low_bytes = _raw_mode_of_low_bytes(raw_mode)
    if raw_mode in AS_LIBTIFF_GIVES and picture.tile[0].codec_name == "libtiff":
        _unpack_as(AS_LIBTIFF_GIVES[raw_mode], picture)
    picture.load()
    tags = picture.tag_v2 if picture.format == "TIFF" else {}
    white_is_zero = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
    transparent = picture.info.get("transparency")
    if picture.mode == "F":
        return DeepPixels(_fractions(np.asarray(picture)), "L", 0, white_is_zero)
    if picture.mode.startswith("I"):
        values = _integers(np.asarray(picture))
        return DeepPixels(values, "L", _stated_bits(picture, again, values), white_is_zero, transparent)
    if low_bytes is None:
        return None
    with again() as other:
        _unpack_as(low_bytes, other)
        other.load()
        low = np.asarray(other).astype(np.uint16)
    if low_bytes == "RGBA":  # all four bytes of grey and alpha
        values, mode = low[..., 0::2] << 8 | low[..., 1::2], "LA"
    else:
        values, mode = np.asarray(picture).astype(np.uint16) << 8 | low, picture.mode
    colours = values[..., :-1] if mode.endswith("A") else values
    return DeepPixels(values, mode, _stated_bits(picture, again, colours), transparent=transparent)


def _raw_mode(picture: Image.Image) -> str:
    """Returns how the values lie in a PNG or TIFF file, in Pillow's words; empty for other pictures."""
    codecs = {tile.codec_name for tile in picture.tile}
    if picture.format not in ("PNG", "TIFF") or not codecs or not codecs.issubset(CODECS):
        return ""
    arguments = picture.tile[0].args
    return arguments if isinstance(arguments, str) else arguments[0]


def _unpack_as(raw_mode: str, picture: Image.Image) -> None:
    """Lets a picture that is not decoded yet be unpacked in another way."""
    picture.tile = [
        tile._replace(args=raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:]))
        for tile in picture.tile
    ]


def _raw_mode_of_low_bytes(raw_mode: str) -> str | None:
    """Returns the raw mode in which Pillow unpacks the low byte of each colour; None if colours have 8 bits."""
    if raw_mode == GREY_AND_ALPHA:
        return "RGBA"
    colours, _, order = raw_mode.partition(";16")
    return f"{colours};16{OTHER_END[order]}" if colours in COLOURS and order in OTHER_END else None


def _stated_bits(
    picture: Image.Image, again: Callable[[], AbstractContextManager[Image.Image]], values: np.ndarray
) -> int:
    """Returns the bits that the file itself says its values have; 0 if it only says where they are kept."""
    if picture.format == "PPM":  # which names its white, to which Pillow has scaled
        return SIXTEEN
    if picture.format == "TIFF":
        bits = int(picture.tag_v2.get(BITS_PER_SAMPLE, (SIXTEEN,))[0])
        return bits if 8 < bits < SIXTEEN else 0
    if picture.format != "PNG":
        return 0
    with again() as other:
        bits = significant_bits(other.fp)
    if bits is None:
        return 0
    # Values of n bits are to be in the highest n of 16, but many programs leave them in the lowest.
    in_lowest = int(values.max()) < 2**bits and bool((values & (2 ** (SIXTEEN - bits) - 1)).any())
    return max(8, bits) if in_lowest else SIXTEEN


def _integers(values: np.ndarray) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= 2**SIXTEEN:
        raise InputError(f"whole numbers from {low:,} to {high:,}, where 0 to {2**SIXTEEN - 1:,} are read: convert it")
    return values.astype(np.uint16)


def _fractions(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # also of nan
        raise InputError(f"floating-point numbers from {low:g} to {high:g}, where 0 to 1 are read: convert it")
    return values


def _highest(values: np.ndarray, bits: int) -> np.ndarray:
    """Returns the highest eight of so many bits, uint8; larger values are white."""
    return np.minimum(values >> (bits - 8), 255).astype(np.uint8)
