"""Which way up a picture is, by what a camera notes beside its pixels."""

from PIL import ExifTags, Image

TURNS = {  # by the number that a camera notes
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = 5  # the first of the turns that exchange width and height
WIDTH, HEIGHT = 256, 257  # tags of TIFF


def turn_of(picture: Image.Image) -> Image.Transpose | None:
    """Returns how a picture is turned to be upright; None if it stays as it is."""
    return TURNS.get(_noted(picture))


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Returns width and height of a picture that has been opened, once it is upright."""
    width, height = picture.size
    if picture.format == "TIFF":  # of which Pillow has turned the size, though not yet the pixels
        width, height = picture.tag_v2[WIDTH], picture.tag_v2[HEIGHT]
    return (height, width) if _noted(picture) >= SIDEWAYS else (width, height)


def _noted(picture: Image.Image) -> int:
    """Returns the number that a camera has noted, or 1 where there is none of those that have a meaning."""
    try:
        number = picture.getexif().get(ExifTags.Base.Orientation)
        return number if number in TURNS else 1
    except Exception:  # damaged metadata raise many types of errors
        return 1
