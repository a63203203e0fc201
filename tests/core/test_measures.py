"""Measures are written as they are listed, and what decides is checked as far as it is known."""

import math
import re
from typing import Any

import pytest
from pytorch_lightning import LightningModule
from torch import nn

from callbacks import TestSubset
from core.errors import InputError
from core.measures import (
    Measure,
    check_monitor,
    choose_monitor,
    describe_monitor,
    format_figure,
    format_value,
    format_values,
    measures_of,
    merit,
    standard_deviation,
    stated_measures,
)
from tests.tiny import tiny_vgg
from tests.tiny_text import tiny_char_rnn


def test_a_deviation_is_a_samples_and_needs_two_values() -> None:
    assert standard_deviation([1.0, 3.0]) == 2**0.5
    assert standard_deviation((1.0,)) is None
    assert standard_deviation([]) is None
    assert math.isnan(standard_deviation([1.0, math.inf]))


class Plain(LightningModule):
    """A module of another package, which uses the name for something else."""

    def __init__(self) -> None:
        super().__init__()
        self.measures = nn.ModuleDict()
        self.monitor = nn.Identity()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"better": "Max"}, "better is 'Max'; it is min or max"),
        ({"better": "max", "digits": -1}, "digits is -1; it is 0 to 16"),
        ({"better": "max", "digits": 2.0}, "digits is 2.0; it is 0 to 16"),
    ],
)
def test_a_measure_says_which_of_its_values_cannot_be(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"Measure('top3'): {reason}")):
        Measure("top3", **settings)


def test_the_model_states_what_decides_and_its_measure_what_is_better() -> None:
    assert choose_monitor("--checkpoint.monitor", None, None, tiny_vgg()) == ("val/acc", "max")
    assert choose_monitor("--checkpoint.monitor", None, None, tiny_char_rnn()) == ("val/loss", "min")


@pytest.mark.parametrize(
    ("monitor", "mode", "expected"), [("val/loss", None, "min"), ("val/acc", None, "max"), ("val/loss", "max", "max")]
)
def test_what_is_given_counts(monitor: str, mode: str | None, expected: str) -> None:
    assert choose_monitor("--x", monitor, mode, tiny_vgg()) == (monitor, expected)


@pytest.mark.parametrize(
    ("monitor", "reason"),
    [
        ("val/acc", "--x val/acc: no validation metric; there are val/loss, val/bits"),
        ("train/loss", "--x train/loss: no validation metric; there are val/loss, val/bits"),
        ("test/loss", "--x test/loss: the test set selects nothing; there are val/loss, val/bits"),
    ],
)
def test_a_metric_that_is_not_measured_is_an_error(monitor: str, reason: str) -> None:
    for check in (check_monitor, lambda *given: choose_monitor(given[0], given[1], None, given[2])):
        with pytest.raises(InputError, match=reason):
            check("--x", monitor, tiny_char_rnn())


@pytest.mark.parametrize(("mode", "expected"), [(None, "min"), ("max", "max")])
def test_a_module_without_measures_may_log_anything_but_a_test_metric(mode: str | None, expected: str) -> None:
    assert choose_monitor("--x", None, None, Plain()) == (None, "min")
    assert choose_monitor("--x", "val_acc", mode, Plain()) == ("val_acc", expected)
    with pytest.raises(InputError, match="--x test_loss: the test set selects nothing"):
        check_monitor("--x", "test_loss", Plain())


def test_a_measures_better_side_comes_from_its_own_entry_and_not_from_its_name() -> None:
    class Distance(LightningModule):
        measures = (Measure("acceleration", "min"),)

    assert choose_monitor("--x", "val/acceleration", None, Distance()) == ("val/acceleration", "min")


def test_values_are_written_by_their_measures() -> None:
    measures = measures_of(tiny_vgg(), TestSubset(20))
    assert format_value("val/acc", 0.12345, measures, more_digits=1) == "12.35%"
    assert format_value("test/acc_first_20", 0.5, measures, more_digits=1) == "50.00%"
    assert format_value("val/loss", 1.23456, measures) == "1.235"
    assert format_value("val/loss", 1.23456, measures, more_digits=1) == "1.2346"
    for name in ("val/loss", "val_loss"):  # a listed measure's and another
        assert format_value(name, 1234567.0, measures) == "1.235e+06"
    assert format_values({"loss": 1.0, "acc": 0.01, "other": 0.5}, measures) == "loss 1.000 acc  1.00% other 0.5"


def test_the_monitor_has_words_where_its_measure_has() -> None:
    assert describe_monitor("val/acc", measures_of(tiny_vgg())) == "validation accuracy"
    assert describe_monitor("val/loss", measures_of(tiny_vgg())) == "val/loss"
    assert describe_monitor("val_loss", {}) == "val_loss"


def test_titles_have_the_unit() -> None:
    assert [measure.title for measure in measures_of(tiny_vgg()).values()] == ["loss", "accuracy (%)"]
    assert measures_of(tiny_char_rnn())["bits"].title == "bits a symbol"


def test_what_runs_have_reached_is_written_as_far_as_it_is_sure() -> None:
    measures = {"acc": Measure("acc", "max", unit="%", digits=2), "new": Measure("new", "max", unit="%", digits=1)}
    assert format_figure("val/acc", 0.93412, measures) == "93.41 %"
    assert format_figure("val/acc", 0.93412, measures, 0.0012) == "93.41 ± 0.12 %"
    assert format_figure("val/new", 0.93412, measures, 0.0) == "93.4 ± 0.0 %"
    assert format_figure("val/other", 0.93412, measures) == "0.9341"
    assert format_figure("val/other", 0.93412, measures, 0.0123) == "0.934 ± 0.012"
    assert format_figure("val/other", 2.3012, measures, 0.0000123) == "2.3012 ± 0.0000"
    assert format_figure("val/other", 313.53, measures, 57.1) == "314 ± 57"
    assert format_figure("val/other", 0.5, measures, 0.0) == "0.5000 ± 0"
    assert format_figure("val/other", 3.1, measures) == "3.100"
    assert format_figure("val/other", 1394.0, measures) == "1394"


def test_measures_of_a_summary_are_read_as_far_as_they_can_be() -> None:
    stated = {
        "acc": {"better": "max", "unit": "%", "digits": 1},
        "loss": {"better": "min", "digits": "many"},
        "odd": {"better": "most"},
        "none": None,
    }
    acc, loss = Measure("acc", "max", unit="%", digits=1), Measure("loss", "min")
    assert stated_measures({"measures": stated}) == {"acc": acc, "loss": loss}
    assert stated_measures({"measures": [1]}) == stated_measures({}) == {}


def test_a_monitor_of_the_models_own_is_told_as_its_own() -> None:
    model = tiny_vgg()
    model.monitor = "val/accc"
    with pytest.raises(InputError, match=r"^VGG.monitor val/accc: no validation metric; there are val/loss, val/acc$"):
        choose_monitor("--early_stopping.monitor", None, None, model)


@pytest.mark.parametrize(("mode", "best"), [("min", 1.0), ("max", 3.0)])
def test_merit_is_greatest_of_the_best_value(mode: str, best: float) -> None:
    assert max([2.0, 1.0, 3.0], key=lambda value: merit(value, mode)) == best
    assert not merit(float("nan"), mode) >= merit(1.0, mode)


def test_a_figure_that_is_not_finite_is_written_as_it_is() -> None:
    assert format_figure("val/loss", float("inf"), {}, float("nan")) == "inf ± nan"
    assert format_figure("val/loss", float("nan"), {}, 1.0) == "nan ± 1"
    assert format_figure("val/loss", 1.0, {}, 0.0) == "1.000 ± 0"


def test_a_stated_measure_has_digits_only_if_they_are_a_number() -> None:
    stated = {"measures": {name: {"better": "max", "digits": digits} for name, digits in (("a", True), ("b", 5))}}
    assert stated_measures(stated) == {"a": Measure("a", "max"), "b": Measure("b", "max", digits=5)}
