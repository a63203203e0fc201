"""Pictures within a page."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.pages.pictures import small_copy
from tests.pictures import picture


def _opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_a_photograph_becomes_a_small_jpeg_and_a_drawing_a_png() -> None:
    photograph = _opened(small_copy(picture(Path("a.png"), (900, 700)), 300))
    assert (photograph.format, photograph.size) == ("JPEG", (300, 233))
    drawing = Image.new("RGB", (800, 400), "white")
    drawing.paste("navy", (100, 100, 110, 300))
    small = _opened(small_copy(drawing, 200))
    assert (small.format, small.size) == ("PNG", (200, 100))
    assert min(small.convert("RGB").getpixel((0, 0))) > 250


def test_a_small_picture_keeps_its_size_and_transparency_becomes_no_error() -> None:
    content = io.BytesIO()
    Image.new("RGBA", (20, 10), (255, 0, 0, 128)).save(content, "PNG")
    assert _opened(small_copy(content.getvalue(), 300)).size == (20, 10)


def test_a_page_shows_what_a_network_gets() -> None:
    clear = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    deep = Image.fromarray(np.full((10, 20), 124 * 257, np.uint16))
    greys = [_opened(small_copy(picture, 300)).convert("L").getpixel((5, 5)) for picture in (clear, deep)]
    assert greys == [255, pytest.approx(124, abs=2)]


def test_what_is_no_picture_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    assert [small_copy(one, 300) for one in (tmp_path / "a.png", tmp_path / "none.png", b"")] == ["", "", ""]
