"""No picture starts another program."""

import io

import pytest
from PIL import Image, UnidentifiedImageError

from core.files.picture_formats import is_read, open_picture, read_formats, way_out


def test_formats_that_start_programs_are_not_read() -> None:
    formats = read_formats()
    assert {"PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"} <= {*formats}
    assert {*Image.OPEN} - {*formats} == {"EPS", "WMF", "IPTC"}


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (".png", True),
        (".JPG", True),
        (".webp", True),
        (".eps", False),
        (".ps", False),
        (".emf", False),
        (".txt", False),
    ],
)
def test_a_picture_is_told_by_its_ending(ending: str, expected: bool) -> None:
    assert is_read(ending) == expected


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "ICO"])
def test_common_and_other_formats_are_opened(name: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, name)
    with open_picture(file) as picture:
        assert picture.format == name
    with pytest.raises(UnidentifiedImageError):
        open_picture(file, ["BMP"])


def test_what_is_not_read_has_a_way_out() -> None:
    assert "convert it to PNG" in way_out(".EPS")
    assert "convert HEIC" in way_out(".heif")
    assert way_out(".png") == ""
