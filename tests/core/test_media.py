"""Media hold what is to be shown, apart from where it is written."""

import numpy as np
import pytest
import torch

from core.media import Grid, Table, to_pixels


@pytest.mark.parametrize(("n", "columns", "size"), [(1, 8, (4, 3)), (5, 2, (16, 8)), (6, 3, (10, 13)), (8, 8, (4, 38))])
def test_a_grid_is_filled_row_by_row(n: int, columns: int, size: tuple[int, int]) -> None:
    images = torch.arange(1, n + 1, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 4, 3, 3)
    pixels = Grid(name="grid", step=0, images=images, columns=columns).pixels
    assert pixels.shape == (*size, 3)
    for place in range(n):
        row, column = divmod(place, columns)
        cell = pixels[row * 6 : row * 6 + 4, column * 5 : column * 5 + 3]
        assert (cell == place + 1).all()
    assert (pixels > 0).sum() == n * 4 * 3 * 3, "what is no image is black"


def test_floats_become_pixels_within_their_range() -> None:
    images = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 5)
    assert to_pixels(images, -1, 1).flatten().tolist() == [0, 0, 128, 255, 255]
    assert to_pixels(torch.rand(2, 3, 4, 5)).shape == (2, 4, 5, 3)


def test_a_cell_of_a_table_is_a_text_or_a_number() -> None:
    """A tensor came into the file as `tensor([0., 0.])`."""
    Table(name="figures", step=0, header=("a", "b"), rows=[("1", 2.5), (np.float32(1), True), ("", None)])
    for cell, kind in ((torch.zeros(2), "Tensor"), ([1], "list")):
        with pytest.raises(TypeError, match=f"^a cell of the table 'figures' is a {kind}; give a text, or a number"):
            Table(name="figures", step=0, header=("a",), rows=[("1",), (cell,)])
