"""Vectors are laid out in the plane, however few numbers they have."""

import pytest
import torch

from core.projection import FEWEST, project_to_plane


@pytest.mark.parametrize("width", [1, 2, 3])
def test_vectors_of_any_width_have_places(width: int) -> None:
    vectors = torch.linspace(-1, 1, (FEWEST + 2) * width).view(-1, width).roll(3, 0)
    places, method = project_to_plane(vectors)
    assert places.shape == (len(vectors), 2)
    assert places.isfinite().all()
    assert method == "main directions" or width > 1
