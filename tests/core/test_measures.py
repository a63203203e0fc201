"""What decides is the model's own metric unless one is named, and must exist."""

import pytest

from core.errors import InputError
from core.measures import check_monitor, choose_monitor
from tests.tiny import tiny_vgg
from tests.tiny_text import tiny_char_rnn


def test_a_model_says_what_decides() -> None:
    assert choose_monitor("--checkpoint.monitor", None, None, tiny_vgg()) == ("val/acc", "max")
    assert choose_monitor("--checkpoint.monitor", None, None, tiny_char_rnn()) == ("val/loss", "min")


@pytest.mark.parametrize(
    ("monitor", "mode", "expected"), [("val/loss", None, "min"), ("val/acc", None, "max"), ("val/loss", "max", "max")]
)
def test_what_is_given_counts(monitor: str, mode: str | None, expected: str) -> None:
    assert choose_monitor("--x", monitor, mode, tiny_vgg()) == (monitor, expected)


@pytest.mark.parametrize(
    ("monitor", "said"),
    [
        ("val/acc", "--x val/acc: no validation metric; there are val/loss, val/bits"),
        ("test/loss", "--x test/loss: the test set selects nothing; there are val/loss, val/bits"),
    ],
)
def test_a_metric_that_is_not_measured_is_an_error(monitor: str, said: str) -> None:
    for check in (check_monitor, lambda *given: choose_monitor(given[0], given[1], None, given[2])):
        with pytest.raises(InputError, match=said):
            check("--x", monitor, tiny_char_rnn())
