"""Pictures of more than 8 bits a value keep what the file has, whatever its kind, channels and order of bytes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError
from datamodules.images.picture import Picture, read_picture
from tests.pictures import chunk, deep_png, tiff

SIDE = 8


def noise(channels: int = 0, below: int = 65536) -> np.ndarray:
    """Returns random values, [8, 8] or [8, 8, C], opaque where the last of two or four channels is alpha."""
    shape = (SIDE, SIDE, channels) if channels else (SIDE, SIDE)
    values = np.random.default_rng(0).integers(0, below, shape).astype(np.uint16)
    values[0, 0] = below - 1
    if channels in (2, 4):
        values[..., -1] = 65535
    return values


def read(path: Path, bits: int = 16) -> Picture:
    """Reads a picture in colour."""
    return read_picture(path, SIDE, 3, resize=False, bits=bits)


def shown(values: np.ndarray, bits: int) -> np.ndarray:
    """Returns the highest eight bits of the colours, [8, 8, 3]."""
    values = values[..., None] if values.ndim == 2 else values[..., : 3 if values.shape[2] > 2 else 1]
    return np.broadcast_to(values >> (bits - 8), (SIDE, SIDE, 3))


@pytest.mark.parametrize("bits", [16, 12, 10])
@pytest.mark.parametrize("channels", [0, 2, 3, 4])
def test_a_png_keeps_the_range_of_its_colours(channels: int, bits: int, tmp_path: Path) -> None:
    values = noise(channels, 2**bits)
    picture = read(deep_png(tmp_path / "a.png", values), bits)
    np.testing.assert_array_equal(picture.pixels, shown(values, bits))
    assert (picture.depth, picture.stated, picture.transparent) == (bits, False, channels in (2, 4))


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("channels", "tags"), [(0, {}), (3, {}), (4, {}), (4, {"t338": [0]}), (4, {"t338": [2]})], ids=str
)
def test_a_tiff_keeps_the_range_of_its_colours(
    channels: int, tags: dict[str, list[int]], order: str, deflate: bool, tmp_path: Path
) -> None:
    values = noise(channels, 2**12)
    picture = read(tiff(tmp_path / "a.tif", values, order, deflate, **tags), bits=12)
    np.testing.assert_array_equal(picture.pixels, shown(values, 12))
    assert (picture.depth, picture.stated) == (12, False)


def test_inks_of_sixteen_bits_are_read(tmp_path: Path) -> None:
    values = noise(4)
    inks = Image.fromarray((values >> 8).astype(np.uint8), "CMYK").convert("RGB")
    picture = read(tiff(tmp_path / "a.tif", values, t262=[5]))
    np.testing.assert_array_equal(picture.pixels, np.asarray(inks))


@pytest.mark.parametrize("alpha", [4095, 65535])
def test_an_opaque_picture_is_opaque_in_either_range(alpha: int, tmp_path: Path) -> None:
    values = noise(4, 4096)
    values[..., -1] = alpha
    np.testing.assert_array_equal(read(deep_png(tmp_path / "a.png", values), bits=12).pixels, shown(values, 12))


def test_a_transparent_colour_is_white_and_its_neighbours_are_not(tmp_path: Path) -> None:
    values = np.full((SIDE, SIDE, 3), 513, np.uint16)
    values[0] = 512  # whose high bytes are the same
    path = deep_png(tmp_path / "a.png", values, chunk(b"tRNS", np.full(3, 512, ">u2").tobytes()))
    picture = read(path)
    assert picture.transparent
    assert (picture.pixels[0] == 255).all()
    assert (picture.pixels[1:] == 2).all()


def test_a_turned_picture_of_sixteen_bits_is_upright(tmp_path: Path) -> None:
    values = noise(3)
    upside_down = tiff(tmp_path / "a.tif", values[::-1, ::-1], t274=[3])
    np.testing.assert_array_equal(read(upside_down).pixels, shown(values, 16))


# What the file itself says of its range


def test_a_tiff_of_twelve_bits_is_not_dark(tmp_path: Path) -> None:
    values = noise(below=4096)
    pairs = values.reshape(-1, 2).astype(int)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], 1)
    path = tiff(tmp_path / "a.tif", packed.astype(np.uint8).reshape(SIDE, 12), t256=[SIDE], t258=[12])
    picture = read(path)
    np.testing.assert_array_equal(picture.pixels, shown(values, 12))
    assert (picture.depth, picture.stated) == (12, True)


@pytest.mark.parametrize("channels", [0, 3])
def test_the_significant_bits_of_a_png_are_found_at_either_end(channels: int, tmp_path: Path) -> None:
    values = noise(channels, 4096)
    says = chunk(b"tEXt", b"a\0b") + chunk(b"sBIT", b"\x0c" * max(1, channels))
    for stored, depth in ((values, 12), (values << 4 | values >> 8, 16), (values // 32 << 4, 16)):
        picture = read(deep_png(tmp_path / "a.png", stored, says), bits=9)
        assert (picture.depth, picture.stated) == (depth, True)
        np.testing.assert_array_equal(picture.pixels, shown(stored, depth))


@pytest.mark.parametrize("said", [b"", b"\0", b"\x11", b"\xff\xff\xff"])
def test_nonsense_about_bits_is_not_listened_to(said: bytes, tmp_path: Path) -> None:
    picture = read(deep_png(tmp_path / "a.png", noise(below=4096), chunk(b"sBIT", said)), bits=12)
    np.testing.assert_array_equal(picture.pixels, shown(noise(below=4096), 12))
    assert not picture.stated


def test_a_portable_map_says_its_white(tmp_path: Path) -> None:
    values = noise(below=1024)
    (tmp_path / "a.pgm").write_bytes(b"P5 8 8 4095\n" + values.astype(">u2").tobytes())
    picture = read(tmp_path / "a.pgm", bits=9)
    assert picture.stated
    assert np.abs(picture.pixels.astype(float) - values[..., None] / 4095 * 255).max() < 1


# Other numbers


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["i2", "i4", "f4"])
def test_whole_numbers_and_fractions_are_read(kind: str, order: str, deflate: bool, tmp_path: Path) -> None:
    values = noise(below=32768).astype(kind)
    values = values / values.max() if kind == "f4" else values
    picture = read(tiff(tmp_path / "a.tif", values, order, deflate))
    expected = np.rint(values * 255) if kind == "f4" else values.astype(np.uint16) >> 8
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to(expected[..., None], (SIDE, SIDE, 3)))
    assert picture.depth == (0 if kind == "f4" else 15)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (-1, "i2", r"whole numbers from -1 to 0, where 0 to 65,535 are read: convert it"),
        (65536, "i4", r"whole numbers from 0 to 65,536, where"),
        (254.0, "f4", r"floating-point numbers from 0 to 254, where 0 to 1 are read: convert it"),
        (np.nan, "f4", r"floating-point numbers from nan to nan"),
    ],
)
def test_numbers_without_a_known_white_are_refused_in_words(value: float, kind: str, said: str, tmp_path: Path) -> None:
    values = np.zeros((SIDE, SIDE), kind)
    values[0, 0] = value
    with pytest.raises(InputError, match=rf"a\.tif: {said}"):
        read(tiff(tmp_path / "a.tif", values))


@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_where_white_is_zero_it_is_white(kind: str, tmp_path: Path) -> None:
    picture = read(tiff(tmp_path / "a.tif", np.zeros((SIDE, SIDE), kind), t262=[0]))
    assert (picture.pixels == 255).all()
    assert picture.white_is_zero
