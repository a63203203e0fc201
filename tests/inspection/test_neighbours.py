"""Nearest neighbours: by direction, without the sample itself."""

import torch

from inspection.neighbours import nearest


def test_neighbours_are_those_of_the_same_direction() -> None:
    features = torch.tensor([[1.0, 0.0], [5.0, 0.1], [0.0, 1.0], [-1.0, 0.0]])
    rows, likeness = nearest(features[:1], features, torch.tensor([0]), 2)
    assert rows.tolist() == [[1, 2]]
    assert likeness[0, 0] > 0.99
    rows, likeness = nearest(features[:1], features, torch.tensor([-1]), 9)
    assert rows.tolist()[0][:2] == [0, 1]
    assert likeness[0, 0] == 1
