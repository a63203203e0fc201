"""Pictures and sounds within a page, as data URLs."""

import base64
import io
from pathlib import Path

from PIL import Image, ImageOps

from core.files.picture_formats import open_picture

ORIENTATION = 0x0112  # of a picture's metadata: how it is to be turned
MOST_PIXELS = 50_000_000  # of a picture; beyond, it is left out: it would take seconds


def data_url(content: bytes, kind: str) -> str:
    """Returns a file's content as a URL.

    Args:
        content: The content.
        kind: Its media type, such as `image/png`.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def small_copy(source: Path | bytes | Image.Image, side: int) -> str:
    """Returns a picture as a data URL, made smaller if it is larger than `side`; an empty text if it cannot be read.

    Drawings, whose pixels have few colours, become PNGs, which keep their lines sharp; all others become JPEGs.

    Args:
        source: File, content of a file, or picture.
        side: Pixels of the longer side.
    """
    try:
        if isinstance(source, Image.Image):
            return _encoded(source, side)
        with open_picture(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return ""
            picture.draft("RGB", (side, side))
            turned = picture.getexif().get(ORIENTATION, 1) != 1
            return _encoded(ImageOps.exif_transpose(picture) if turned else picture, side)
    except Exception:  # decoders raise many types of errors
        return ""


def _encoded(picture: Image.Image, side: int) -> str:
    small = _in_colour(picture)
    drawing = _is_drawing(small)
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = io.BytesIO()
    if drawing:
        small.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, "PNG")
        return data_url(file.getvalue(), "image/png")
    small.save(file, "JPEG", quality=80)
    return data_url(file.getvalue(), "image/jpeg")


def _in_colour(picture: Image.Image) -> Image.Image:
    """Returns a picture as networks are shown it: on white where it is transparent, and with 8 of 16 bits."""
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        return white.convert("RGB")
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    return picture.convert("RGB")


def _is_drawing(picture: Image.Image) -> bool:
    """Returns whether a picture is a plot and no photograph: one colour covers much of it."""
    few = picture.resize((64, 64), Image.Resampling.NEAREST).getcolors(64 * 64) or []
    return max(count for count, _ in few) > 64 * 64 // 4
