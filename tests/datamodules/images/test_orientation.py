"""A picture is turned as a camera notes, and by no number or text that has no meaning."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datamodules.images.orientation import SIDEWAYS, TURNS
from datamodules.images.picture import picture_size, read_picture, read_whole_picture


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_a_picture_is_upright(orientation: int, name: str, tmp_path: Path) -> None:
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:8, :8], upright[:8, 8:] = 255, 128
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {**TURNS, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}.get(orientation)
    stored = Image.fromarray(upright)
    stored = stored if back is None else stored.transpose(back)
    options = {"lossless": True} if name.endswith("webp") else {"quality": 100} if name.endswith("jpg") else {}
    stored.save(tmp_path / name, exif=exif, **options)
    pixels = read_picture(tmp_path / name, 16, 3, resize=False).pixels
    assert np.abs(pixels.astype(int) - upright).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "deep.tif", "a.webp"])
def test_the_size_of_a_picture_is_that_of_its_upright_pixels(orientation: int, name: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.full((16, 40), 1000, np.uint16) if name == "deep.tif" else np.zeros((16, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / name, exif=exif)
    size = picture_size(tmp_path / name)
    assert size == ((16, 40) if orientation >= SIDEWAYS else (40, 16))
    assert read_whole_picture(tmp_path / name, size).pixels.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("noted", [0, 9, 65535])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_number_without_a_meaning_turns_nothing(noted: int, name: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = noted
    Image.fromarray(np.zeros((16, 40, 3), np.uint8)).save(tmp_path / name, exif=exif)
    assert picture_size(tmp_path / name) == (40, 16)
    assert read_whole_picture(tmp_path / name, (40, 16)).pixels.shape == (16, 40, 3)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_text_turns_nothing(name: str, tmp_path: Path) -> None:
    note = struct.pack("<HHHI4s", 1, 0x0112, 2, 2, b"6")
    exif = b"Exif\0\0II*\0\x08\0\0\0" + note + bytes(4)
    Image.fromarray(np.zeros((16, 40, 3), np.uint8)).save(tmp_path / name, exif=exif)
    with Image.open(tmp_path / name) as stored:
        assert stored.getexif()[0x0112] == "6"
    assert picture_size(tmp_path / name) == (40, 16)
