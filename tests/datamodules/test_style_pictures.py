"""Content, styles and mask are read from files of any kind, and what cannot be used is named in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from core.errors import InputError
from datamodules import StylePicturesDataModule
from datamodules.batches import StyleBatch
from tests.style import save_picture


def read(**settings: object) -> StyleBatch:
    """Reads pictures; returns them."""
    data = StylePicturesDataModule(**{"content": "a.png", "style": "b.png", "long_side": 0} | settings)
    data.setup("fit")
    return data.splits["train"].pictures


@pytest.fixture(autouse=True)
def pictures() -> None:
    """A content of 48x40, and a style of 60x90."""
    save_picture("a.png")
    save_picture("b.png", 60, 90, seed=1)


def test_pictures_keep_their_proportions_at_the_size_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    data = StylePicturesDataModule("a.png", "b.png", long_side=96, style_scale=0.5, steps=7)
    data.setup("fit")
    found = data.splits["train"].pictures
    assert data.image_size == (80, 96)
    assert found.content.shape == (1, 3, 80, 96)
    assert [style.shape for style in found.styles] == [(1, 3, 48, 32)]
    assert data.sizes == {"train": 7, "val": 1, "test": 1}
    assert "picture  a.png: scaled from 48x40 to 96x80" in capsys.readouterr().out


def test_the_pixels_of_a_picture_of_the_right_size_are_its_own() -> None:
    with Image.open("a.png") as picture:
        assert read().content[0, :, 3, 5].tolist() == list(picture.getpixel((5, 3)))


def test_grey_and_transparent_pictures_and_those_of_16_bits_are_converted(capsys: pytest.CaptureFixture[str]) -> None:
    save_picture("grey.png", mode="L")
    save_picture("clear.png", mode="RGBA")
    Image.new("I;16", (48, 40), 25700).save("deep.png")
    Image.new("I;16", (48, 40), 4095).save("dark.png")
    grey, clear, deep, _ = (read(content=f"{name}.png").content for name in ("grey", "clear", "deep", "dark"))
    assert torch.equal(grey[:, 0], grey[:, 2])
    assert clear.mean() > 128  # on white
    assert deep.unique().tolist() == [100]
    output = capsys.readouterr().out
    assert "clear.png: its transparent parts made white" in output
    assert "deep.png: 16 bits made 8" in output
    assert output.count("1 picture of 16 bits use at most 12 of them") == 1


def test_a_picture_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open("a.png") as picture:
        picture.save("turned.jpg", exif=exif)
    assert StylePicturesDataModule("turned.jpg", "b.png", long_side=0).image_size == (48, 40)
    assert read(content="turned.jpg").content.shape == (1, 3, 48, 40)


def test_a_content_beyond_pillows_limit_is_scaled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)  # in place of 90 million
    Image.new("L", (400, 300), 90).save("huge.jpg")
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open("huge.jpg").close()
    assert read(content="huge.jpg", long_side=64).content.shape == (1, 3, 48, 64)
    assert "huge.jpg: scaled from 400x300 to 64x48" in capsys.readouterr().out


def test_a_mask_is_grey_from_0_to_1_at_the_size_of_the_content() -> None:
    mask = Image.new("RGB", (24, 20))
    mask.paste((255, 255, 255), (12, 0, 24, 20))
    mask.save("mask.png")
    found = read(mask="mask.png").mask
    assert found.shape == (1, 1, 40, 48)
    assert (found[..., :16].max(), found[..., 32:].min()) == (0, 1)
    assert read().mask.numel() == 0


def test_weights_of_styles_become_shares() -> None:
    found = read(style=["b.png", "a.png"], style_weights=[3.0, 1.0])
    assert found.shares.tolist() == [0.75, 0.25]
    assert len(found.styles) == 2
    assert read(style=["b.png", "a.png"]).shares.tolist() == [0.5, 0.5]


def test_luminance_alone_is_matched_to_the_content() -> None:
    found = read(colors="content")
    assert found.content.shape[1] == found.styles[0].shape[1] == 1
    assert found.chroma.shape == (1, 2, 40, 48)
    assert found.styles[0].mean().item() == pytest.approx(found.content.mean().item(), rel=1e-3)
    assert read(colors="content_at_end").content.shape[1] == 3


def test_drawn_pictures_need_no_file() -> None:
    found = read(content=None, style=None, source="synthetic", long_side=64)
    assert found.content.shape == (1, 3, 48, 64)
    assert found.styles[0].shape == (1, 3, 48, 64)


def test_pictures_that_have_changed_are_told_from_those_of_a_checkpoint() -> None:
    def facts() -> object:
        data = StylePicturesDataModule("a.png", "b.png")
        data.setup("fit")
        return data.facts()

    before = facts()
    assert facts() == before
    save_picture("b.png", 60, 90, seed=2)
    assert facts() != before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"content": None}, r"--data\.content: a picture is needed \(or --data\.source synthetic\)"),
        ({"style": None}, r"--data\.style: a picture is needed"),
        ({"style": "gone.jpg"}, r"^gone\.jpg: no such file"),
        ({"content": "text.jpg"}, r"^text\.jpg: no picture that can be read"),
        ({"style": "text.jpg"}, r"^text\.jpg: no picture that can be read"),
        ({"content": "folder"}, r"^folder: a folder, not a file"),
        ({"style": "one.png"}, r"^one\.png: 1x1 pixels; a style needs 32 on its shorter side"),
        ({"content": "one.png"}, r"^one\.png: 1x1 pixels, of which 1x1 are too few"),
        ({"content": "strip.png", "long_side": 500}, r"^strip\.png: 3000x40 pixels, of which 500x7 are too few"),
        ({"content": "strip.png", "long_side": 500}, r"are too few; --data\.long_side 2400 or more makes it large"),
        (
            {"style": "strip.png", "long_side": 200},
            r"^strip\.png: 3000x40 pixels, scaled to 200x3; a style needs 32 on its shorter side: raise "
            r"--data\.style_scale or --data\.long_side, until its longer side has 2,400$",
        ),
        ({"mask": "black.png"}, r"^black\.png: black all over"),
        ({"style_weights": [1.0, 2.0]}, r"data\.style_weights is \[1\.0, 2\.0\]: one for each style picture"),
        ({"style_weights": [0.0]}, r"data\.style_weights is \[0\.0\]"),
        ({"style_scale": 0.0}, r"data\.style_scale is 0\.0"),
        ({"steps": 0}, r"data\.steps is 0"),
        ({"long_side": -1}, r"data\.long_side is -1"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(settings: dict, message: str) -> None:
    Path("text.jpg").write_text("hello")
    Path("folder").mkdir()
    save_picture("one.png", 1, 1)
    save_picture("strip.png", 3000, 40)
    Image.new("L", (48, 40)).save("black.png")
    with pytest.raises(InputError, match=message) as error:
        read(**settings)
    assert "\n" not in str(error.value)


def test_a_picture_that_is_not_there_is_not_said_to_fit_no_model(command: Callable[..., tuple[int, str, str]]) -> None:
    words = ("--data.content", "gone.jpg", "--data.style", "away.jpg")
    assert command("fit", "--config", "style_transfer.yaml", *words)[::2] == (2, "error: gone.jpg: no such file\n")
