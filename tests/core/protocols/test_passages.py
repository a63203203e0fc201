"""Passages of a text: evenly spaced, of one length."""

import torch

from core.protocols.passages import cut


def test_pieces_are_evenly_spaced() -> None:
    text = torch.arange(23)
    assert cut(text, 3, 4).tolist() == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]]
    assert cut(text, 9, 10).tolist() == [[*range(10)], [*range(10, 20)]]


def test_a_short_text_is_one_piece_and_an_empty_one_none() -> None:
    assert cut(torch.arange(3), 5, 10).tolist() == [[0, 1, 2]]
    assert cut(torch.arange(0), 5, 10).shape == (0, 1)


def test_what_belongs_to_symbols_is_cut_with_them() -> None:
    marks = torch.arange(12).view(6, 2)
    assert cut(marks, 2, 3).tolist() == [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]


def test_a_text_of_many_millions_of_pieces_is_cut_to_its_end() -> None:
    text = torch.zeros(1, dtype=torch.uint8).expand(2**24 + 4)
    assert cut(text, 5, 1).shape == (5, 1)
