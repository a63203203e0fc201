"""Texts in colours: where words and characters stand, and how much colour they get."""

import torch

from inspection.coloured_text import COLUMNS, draw_text


def test_words_stand_apart_and_lines_end(rendered: None) -> None:
    figure = draw_text(["ab", "$c$", "x" * 98], torch.tensor([1.0, -2.0, 0.0]), "$title")
    (axes,) = figure.axes
    assert [text.get_position() for text in axes.texts] == [(0, 0.5), (3, 0.5), (0, 1.5)]
    assert [patch.get_width() for patch in axes.patches] == [2, 3, 98]
    colours = [patch.get_facecolor() for patch in axes.patches]
    assert colours[0][0] > colours[0][2]  # red speaks for it
    assert colours[1][2] > colours[1][0]
    assert min(colours[2][:3]) > 0.98
    figure.draw_without_rendering()


def test_wide_letters_have_two_columns_each() -> None:
    axes = draw_text(list("天a地"), torch.zeros(3), "", apart=False).axes[0]
    assert [(patch.get_x(), patch.get_width()) for patch in axes.patches] == [(0, 2), (2, 1), (3, 2)]
    assert [text.get_position()[0] for text in axes.texts] == [1, 2, 4]
    words = draw_text(["天地", "e\u0301", "玄" * COLUMNS], torch.zeros(3), "").axes[0]
    assert [(patch.get_x(), patch.get_y(), patch.get_width()) for patch in words.patches] == [
        (0, 0, 4),
        (5, 0, 1),
        (0, 1, COLUMNS),
    ]
    assert [text.get_text() for text in words.texts[:3]] == ["天", "地", "e\u0301"]


def test_characters_stand_side_by_side_and_a_newline_is_seen() -> None:
    text = [*"ab\ncd", *"e" * COLUMNS]
    axes = draw_text(text, torch.zeros(len(text)), "", apart=False).axes[0]
    assert [one.get_position() for one in axes.texts[:5]] == [(0, 0.5), (1, 0.5), (2, 0.5), (0, 1.5), (1, 1.5)]
    assert axes.texts[2].get_text() == "↵"
    assert axes.texts[-1].get_position() == (1, 2.5)
