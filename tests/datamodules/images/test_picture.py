"""One picture becomes what a person sees of it, whatever its file notes beside the pixels."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.errors import InputError
from core.pages.pictures import small_copy
from datamodules.images import picture as module
from datamodules.images.image_files import is_picture
from datamodules.images.metadata import PNG, without_metadata
from datamodules.images.picture import SENT, picture_size, read_content, read_picture
from tests.pictures import chunk, tiff

SIZE = 8
RED = (200, 30, 10)


def seen() -> np.ndarray:
    """Returns a red square in the middle of a white field, uint8 [8, 8, 3]."""
    pixels = np.full((SIZE, SIZE, 3), 255, np.uint8)
    pixels[2:6, 2:6] = RED
    return pixels


def inside() -> np.ndarray:
    """Returns where the square is, bool [8, 8]."""
    return (seen() != 255).any(2)


def alpha(path: Path) -> None:
    """Hides green, and a half of the square's own colour, behind transparency."""
    pixels = np.zeros((SIZE, SIZE, 4), np.uint8)
    pixels[..., 1] = 99
    pixels[inside()] = (*RED, 255)
    Image.fromarray(pixels).save(path)


def palette(path: Path) -> None:
    """Hides black behind a transparent entry of a palette."""
    image = Image.fromarray(inside().astype(np.uint8))
    image.putpalette([0, 0, 0, *RED])
    image.convert("P").save(path, transparency=0)


def palette_of_alphas(path: Path) -> None:
    """Hides black behind an alpha for each entry of a palette."""
    image = Image.fromarray(inside().astype(np.uint8))
    image.putpalette([0, 0, 0, *RED])
    image.convert("P").save(path, transparency=b"\x00\xff")


def colour_key(path: Path) -> None:
    """Names one colour that is transparent."""
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    pixels[inside()] = RED
    Image.fromarray(pixels).save(path, transparency=(0, 0, 0))


TRANSPARENT = (
    (alpha, "png"),
    (alpha, "webp"),
    (alpha, "tif"),
    (palette, "png"),
    (palette, "gif"),
    (palette_of_alphas, "png"),
    (colour_key, "png"),
)


def write_lossless(path: Path, make: Callable[[Path], None]) -> None:
    """Writes a picture, in WebP's lossless form where it is WebP."""
    make(path.with_suffix(".png") if path.suffix == ".webp" else path)
    if path.suffix == ".webp":
        Image.open(path.with_suffix(".png")).save(path, lossless=True, exact=True)


@pytest.mark.parametrize(("make", "ending"), TRANSPARENT, ids=lambda value: getattr(value, "__name__", value))
def test_what_is_transparent_is_white_and_its_hidden_colour_is_gone(
    make: Callable[[Path], None], ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{ending}"
    write_lossless(path, make)
    colour, grey = (read_picture(path, SIZE, channels, resize=False) for channels in (3, 1))
    np.testing.assert_array_equal(colour.pixels, seen())
    np.testing.assert_array_equal(grey.pixels[..., 0], np.asarray(Image.fromarray(seen()).convert("L")))
    assert colour.transparent
    assert grey.transparent


def test_half_transparent_colours_lie_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 51)).save(tmp_path / "a.png")
    Image.new("LA", (SIZE, SIZE), (0, 51)).save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        assert (read_picture(tmp_path / name, SIZE, 3, resize=False).pixels == 204).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_opaque_pixels_are_those_of_the_file(mode: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, len(mode)), dtype=np.uint8)
    if mode.endswith("A"):
        noise[..., -1] = 255
    Image.fromarray(noise.squeeze()).save(tmp_path / "a.png")
    colour = noise[..., : -1 if mode.endswith("A") else None]
    picture = read_picture(tmp_path / "a.png", SIZE, 3, resize=False)
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to(colour, (SIZE, SIZE, 3)))


@pytest.mark.parametrize(("bits", "named"), [(9, 9), (12, 12), (16, 16)])
def test_sixteen_bits_keep_the_range_that_is_in_use(bits: int, named: int, tmp_path: Path) -> None:
    values = np.linspace(0, 2**bits - 1, SIZE * SIZE).astype(np.uint16).reshape(SIZE, SIZE)
    Image.fromarray(values).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png", SIZE, 1, resize=False, bits=bits)
    assert picture.depth == named
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 255)
    assert len(np.unique(picture.pixels)) == SIZE * SIZE
    if bits < 16:  # brighter than any picture of training: white
        assert read_picture(tmp_path / "a.png", SIZE, 1, resize=False, bits=bits - 1).pixels.max() == 255


def test_a_portable_grey_map_of_sixteen_bits_is_read(tmp_path: Path) -> None:
    values = (np.arange(SIZE * SIZE).reshape(SIZE, SIZE) * 1024).astype(">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 8 8 65535\n" + values.tobytes())
    picture = read_picture(tmp_path / "a.pgm", SIZE, 1, resize=False)
    np.testing.assert_array_equal(picture.pixels[..., 0], values >> 8)


def test_a_transparent_value_of_sixteen_bits_is_white(tmp_path: Path) -> None:
    values = np.full((SIZE, SIZE), 512, np.uint16)
    values[0] = 0
    Image.fromarray(values).save(tmp_path / "a.png", transparency=0)
    pixels = read_picture(tmp_path / "a.png", SIZE, 1, resize=False).pixels
    assert (pixels[0] == 255).all()
    assert (pixels[1:] == 2).all()


# What stands beside the pixels


def png() -> bytes:
    """Returns the picture as PNG."""
    content = io.BytesIO()
    Image.fromarray(seen()).save(content, "png")
    return content.getvalue()


def with_chunk(extra: bytes, last: bool = False) -> bytes:
    """Returns the picture with a further chunk, after its header or before its end."""
    content = png()
    place = len(content) - 12 if last else len(PNG) + 25
    return content[:place] + extra + content[place:]


LARGE_TEXT = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * (PngImagePlugin.MAX_TEXT_CHUNK + 1)))
NOTES = {
    "a large text": with_chunk(LARGE_TEXT),
    "a large text at the end": with_chunk(LARGE_TEXT, last=True),
    "a text with a wrong checksum": with_chunk(chunk(b"tEXt", b"Comment\0x", crc=1)),
    "a profile that cannot be unpacked": with_chunk(chunk(b"iCCP", b"name\0\0no zlib")),
    "damaged notes of a camera": with_chunk(chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")),
    "empty notes of a camera": with_chunk(chunk(b"eXIf", b"")),
    "a physical size of no length": with_chunk(chunk(b"pHYs", b"")),
}


@pytest.mark.parametrize("content", NOTES.values(), ids=NOTES)
def test_no_note_beside_the_pixels_makes_a_png_unreadable(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", SIZE, 3, resize=True).pixels, seen())


def jpeg_with(segment: bytes) -> bytes:
    """Returns the picture as JPEG with a further segment behind its start."""
    content = io.BytesIO()
    Image.fromarray(seen()).save(content, "jpeg", quality=100, subsampling=0)
    return content.getvalue()[:2] + segment + content.getvalue()[2:]


def segment(code: int, content: bytes) -> bytes:
    """Returns a segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def broken_exif() -> bytes:
    """Returns notes of a camera with the orientation as a text, and a place beyond the end."""
    entry = struct.pack("<HHII", 0x0112, 2, 4, 0xFFFF) + struct.pack("<HHII", 0x8769, 4, 1, 0xFFFFFF)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entry


JPEG_NOTES = {
    "damaged notes of a camera": jpeg_with(segment(0xE1, broken_exif())),
    "notes of a camera that end early": jpeg_with(segment(0xE1, b"Exif\0\0II*\0")),
    "a damaged note of Photoshop": jpeg_with(segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\xff")),
    "a profile in no order": jpeg_with(segment(0xE2, b"ICC_PROFILE\0")),
    "a damaged list of pictures": jpeg_with(segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff")),
    "a comment": jpeg_with(segment(0xFE, b"\xff\x1b[31m")),
}


@pytest.mark.filterwarnings("ignore:.*MPO|.*EXIF|.*Truncated")
@pytest.mark.parametrize("content", JPEG_NOTES.values(), ids=JPEG_NOTES)
def test_no_note_beside_the_pixels_makes_a_jpeg_unreadable(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    pixels = read_picture(tmp_path / "a.jpg", SIZE, 3, resize=True).pixels
    assert np.abs(pixels.astype(int) - seen()).max() < 12


TIFF_NOTES = {
    "notes of a camera beyond the end": {"t34665": [0xFFFFFF]},
    "notes of a camera within the pixels": {"t34665": [9]},
    "a place on earth beyond the end": {"t34853": [0xFFFFFF]},
    "further pictures beyond the end": {"t330": [0xFFFFFF]},
    "a maker of numbers": {"t271": [1, 2, 3]},
}


@pytest.mark.filterwarnings("ignore:.*Truncated|Tag data|Corrupt")
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("tags", TIFF_NOTES.values(), ids=TIFF_NOTES)
def test_no_note_beside_the_pixels_makes_a_tiff_unreadable(
    tags: dict[str, list[int]], deflate: bool, order: str, tmp_path: Path
) -> None:
    path = tiff(tmp_path / "a.tif", seen(), order, deflate, t274=[3], **tags)
    np.testing.assert_array_equal(read_picture(path, SIZE, 3, resize=True).pixels, seen()[::-1, ::-1])


@pytest.mark.parametrize("length", [4, 8, 210, 260])
def test_a_tiff_that_is_cut_is_broken(length: int, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", seen())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"a\.tif: (broken|no) picture"):
        read_picture(path, SIZE, 3, resize=True)


def test_without_its_notes_a_picture_has_the_same_pixels(tmp_path: Path) -> None:
    alpha(tmp_path / "a.png")
    Image.fromarray(seen()).convert("CMYK").save(tmp_path / "a.jpg")
    alpha(tmp_path / "a.tif")
    for name in ("a.png", "a.jpg", "a.tif"):
        before = Image.open(tmp_path / name)
        after = Image.open(io.BytesIO(without_metadata((tmp_path / name).read_bytes())))
        assert after.mode == before.mode
        np.testing.assert_array_equal(np.asarray(after), np.asarray(before))
    assert without_metadata(b"GIF89a") is None


# Sizes and kinds of files


def test_a_picture_larger_than_pillow_allows_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    monkeypatch.setattr(module, "LARGE", 10)
    (tmp_path / "a.png").write_bytes(png())
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", SIZE, 3, resize=True).pixels, seen())
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_small_file_of_very_many_pixels_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    content = png()
    header = chunk(b"IHDR", struct.pack(">II", 60_000, 60_000) + content[24:29])
    (tmp_path / "a.png").write_bytes(PNG + header + content[33:])
    with pytest.raises(InputError, match=r"a\.png: 60000x60000 pixels, more than the 300,000,000 that are read$"):
        read_picture(tmp_path / "a.png", SIZE, 3, resize=True)


def test_a_pipe_a_device_and_a_folder_are_no_pictures(tmp_path: Path, pipe: Path) -> None:
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(InputError, match=f"{path}: a pipe or a device, not a file"):
            read_picture(path, SIZE, 3, resize=True)
    with pytest.raises(InputError, match="a folder, not a file"):
        read_picture(tmp_path, SIZE, 3, resize=True)


def test_heic_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(InputError, match=r"a\.HEIC: no picture that can be read: convert HEIC to JPEG or PNG"):
        read_picture(tmp_path / "a.HEIC", SIZE, 3, resize=True)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("damaged", [False, True])
def test_what_is_sent_is_decoded_by_the_formats_that_were_checked_alone(
    deep: bool, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of two formats was checked as one of them, and decoded as the other, which may be far larger."""
    content = io.BytesIO()
    Image.fromarray(seen()[..., 0].astype(np.uint16) * 257 if deep else seen()).save(content, "PNG")
    sent, tried, real = content.getvalue(), [], Image.open
    if damaged:
        sent = sent[:33] + chunk(b"zTXt", b"Comment\x00\x00damaged") + sent[33:]

    def opened(source: io.BytesIO, mode: str = "r", formats: tuple[str, ...] | None = None) -> Image.Image:
        tried.append(formats)
        return real(source, mode, formats)

    monkeypatch.setattr(Image, "open", opened)
    assert read_content(sent, SIZE, 3).pixels.shape == (SIZE, SIZE, 3)
    assert len(tried) > 1
    assert {*tried} == {SENT}


def test_a_picture_that_is_too_large_to_be_sent_is_told_so_without_pillows_own_words() -> None:
    """Pillow refuses what has twice its limit, which was told as no picture."""
    content = io.BytesIO()
    Image.new("1", (14_000, 14_000)).save(content, "PNG")
    with pytest.raises(InputError, match="14000x14000 pixels, more than the 40,000,000 that are read"):
        read_content(content.getvalue(), SIZE, 3)


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("name", ["cat.png", "cat.eps"])
def test_no_picture_is_a_program_that_is_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow goes by the content, and starts Ghostscript for PostScript."""
    started: list[object] = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given: started.append(given))
    path = tmp_path / name
    path.write_bytes(POSTSCRIPT)
    for read in (lambda: read_picture(path, SIZE, 3, resize=True), lambda: picture_size(path)):
        with pytest.raises(InputError, match=f"{name}: no picture that can be read"):
            read()
    assert small_copy(path, 8) == small_copy(POSTSCRIPT, 8) == ""
    assert not is_picture(tmp_path / "cat.eps")
    assert started == []
