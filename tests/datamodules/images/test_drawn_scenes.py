"""Drawn pictures are the same every time, of any size, and have what they are to have."""

import torch

from datamodules.images.drawn_scenes import PALETTE, brush_strokes, landscape


def test_the_landscape_has_a_sun_above_and_a_lake_below() -> None:
    picture = landscape(96, 72).float()
    assert picture.shape == (72, 96, 3)
    sun, sky = picture[16, 69], picture[2, 20]
    assert sun[0] > 240 > sun[2]  # yellow
    assert sky[2] > sky[0]  # blue
    lake, meadow = picture[60, 29], picture[60, 90]
    assert lake[2] > lake[1] > lake[0]
    assert meadow[1] > max(meadow[0], meadow[2])


def test_strokes_cover_the_canvas_in_all_colours() -> None:
    picture = brush_strokes(120, 80)
    assert picture.shape == (80, 120, 3)
    assert torch.equal(picture, brush_strokes(120, 80))
    pixels = picture.flatten(0, 1).float()
    nearest = torch.cdist(pixels, torch.tensor(PALETTE, dtype=torch.float32)).argmin(1)
    assert nearest.bincount(minlength=len(PALETTE)).min() > 0.01 * len(pixels)
