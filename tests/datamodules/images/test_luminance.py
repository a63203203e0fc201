"""Luminance and chroma make up a picture again."""

import pytest
import torch

from datamodules.images.luminance import chroma, luminance, matched, with_chroma


def test_a_picture_is_its_luminance_with_its_chroma() -> None:
    picture = 255 * torch.rand(1, 3, 5, 7)
    torch.testing.assert_close(with_chroma(luminance(picture), chroma(picture)), picture, rtol=1e-4, atol=1e-3)


def test_grey_has_no_chroma_and_green_is_brightest() -> None:
    grey = torch.full((1, 3, 1, 1), 80.0)
    assert luminance(grey) == pytest.approx(80)
    torch.testing.assert_close(chroma(grey), torch.zeros(1, 2, 1, 1), atol=1e-4, rtol=0)
    red, green, blue = (luminance(255 * torch.eye(3)[place][None, :, None, None]) for place in range(3))
    assert green > red > blue


def test_a_matched_luminance_has_the_others_mean_and_spread() -> None:
    light, other = torch.rand(1, 1, 9, 9), 100 + 30 * torch.rand(1, 1, 6, 6)
    found = matched(light, other)
    assert found.mean().item() == pytest.approx(other.mean().item(), rel=1e-4)
    assert found.std().item() == pytest.approx(other.std().item(), rel=1e-3)
    assert torch.isfinite(matched(torch.ones(1, 1, 3, 3), other)).all()
