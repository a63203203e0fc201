"""Learning curves of whatever a run logs."""

import pytest

from callbacks.media.curves import draw_curves
from core.measures import measures_of
from tests.tiny import tiny_vgg
from tests.tiny_text import tiny_char_rnn

ROW = {"step": "6", "lr": "0.1", "train/loss": "2", "train/acc": "0.25", "val/loss": "1", "val/acc": "0.5"}


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_have_a_point_an_epoch(epochs: int) -> None:
    figure = draw_curves([ROW | {"epoch": str(epoch)} for epoch in range(epochs)], measures_of(tiny_vgg()))
    loss, accuracy, rate = figure.axes
    assert [line.get_label() for line in loss.lines] == ["train/loss", "val/loss"]
    assert list(loss.lines[0].get_xdata()) == list(range(1, epochs + 1))
    assert list(accuracy.lines[1].get_ydata()) == [50.0] * epochs
    assert len(rate.lines) == 1
    figure.draw_without_rendering()
    assert all(tick == int(tick) for axes in figure.axes for tick in axes.get_xticks())


def test_curves_leave_out_what_was_not_measured() -> None:
    row = {"epoch": "0", "step": "6", "lr": "0.1", "train/loss": "2", "train/acc": "0.25"}
    figure = draw_curves([row, row | {"epoch": "1", "val/loss": ""}], measures_of(tiny_vgg()))
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1]
    figure.draw_without_rendering()
    row.pop("train/acc")
    figure = draw_curves([row], measures_of(tiny_vgg()))
    assert [axes.get_title() for axes in figure.axes] == ["loss", "learning rate at the epoch's end"]


def test_every_measure_has_a_panel_with_its_title() -> None:
    row = {"epoch": "0", "step": "6", "lr": "0.1", "train/loss": "2", "train/bits": "3", "val/loss": "1"}
    figure = draw_curves([row], measures_of(tiny_char_rnn()))
    assert [axes.get_title() for axes in figure.axes] == ["loss", "bits a symbol", "learning rate at the epoch's end"]
    assert list(figure.get_size_inches()) == [12, 3.6]


def test_what_has_no_measure_has_a_panel_of_its_name_with_training_beside_validation() -> None:
    row = {"step": "6", "lr/generator": "0.1", "lr/critic": "0.2", "val_loss": "1", "train_loss": "2", "gap": "3"}
    figure = draw_curves([row | {"epoch": "0"}], {})
    panels = {axes.get_title(): [line.get_label() for line in axes.lines] for axes in figure.axes}
    assert panels == {
        "loss": ["train_loss", "val_loss"],
        "gap": ["gap"],
        "learning rate at the epoch's end": ["lr/generator", "lr/critic"],
    }
    figure.draw_without_rendering()


@pytest.mark.parametrize("n", [4, 5, 9])
def test_many_panels_stand_in_rows_of_four(n: int) -> None:
    figure = draw_curves([{"epoch": "0", "step": "1"} | {f"loss_{number}": "1" for number in range(n)}], {})
    assert [axes.get_title() for axes in figure.axes if axes.lines] == [f"loss_{number}" for number in range(n)]
    assert [axes.axison for axes in figure.axes] == [True] * n + [False] * (-n % 4)
    assert list(figure.get_size_inches()) == [16, pytest.approx(3.6 * -(-n // 4))]
    figure.draw_without_rendering()


def test_a_validation_within_an_epoch_stands_at_its_step() -> None:
    within = [{"epoch": "0", "step": "2", "val/loss": "3"}, ROW | {"epoch": "0"}]
    later = [{"epoch": "1", "step": "9", "val/loss": "2"}, ROW | {"epoch": "1", "step": "12"}]
    loss = draw_curves(within + later, measures_of(tiny_vgg())).axes[0]
    assert list(loss.lines[0].get_xdata()) == [1.0, 2.0]
    assert list(loss.lines[1].get_xdata()) == [2 / 6, 1.0, 1.5, 2.0]


def test_what_logged_nothing_has_no_figure() -> None:
    assert draw_curves([{"epoch": "0", "step": "3", "seconds": "1.5"}], {}) is None
    assert draw_curves([], measures_of(tiny_vgg())) is None
