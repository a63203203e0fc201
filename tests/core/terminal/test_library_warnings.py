"""What libraries say is left out in a block, and said again behind it."""

import logging
import warnings
from collections.abc import Iterator

import pytest

from core.terminal.library_warnings import ignore_library_warnings


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """Lightning's logger, which says what it does."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.INFO)
    yield logger
    logger.setLevel(level)


def test_levels_count_at_once_and_are_afterwards_as_before(library: logging.Logger) -> None:
    silent = logging.getLogger("pytorch_lightning.core.somewhere")
    asked_for = logging.getLogger("pytorch_lightning.callbacks.early_stopping")
    before = asked_for.handlers
    for _ in range(2):
        assert silent.isEnabledFor(logging.INFO)
        with ignore_library_warnings():
            with ignore_library_warnings(measuring=True):
                assert not silent.isEnabledFor(logging.INFO)
            assert not silent.isEnabledFor(logging.INFO)
            assert silent.isEnabledFor(logging.WARNING)
            assert asked_for.isEnabledFor(logging.INFO)
    assert silent.isEnabledFor(logging.INFO)
    assert asked_for.handlers == before


def test_what_a_library_says_of_its_own_use_of_another_is_left_out() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with ignore_library_warnings():
            warnings.warn("torch.distributed.nn.functional.all_gather is deprecated", FutureWarning, stacklevel=1)
            warnings.warn("another", FutureWarning, stacklevel=1)
    assert [str(one.message) for one in told] == ["another"]
