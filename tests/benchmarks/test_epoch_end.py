"""The end of an epoch is timed with and without what comes at it."""

import pytest

from benchmarks import epoch_end
from tests.tiny import TinyDataModule, tiny_vgg


def test_the_end_of_an_epoch_is_measured_with_and_without_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch_end, "EPOCHS", 2)
    with_checkpoint, without = (epoch_end.epoch_end(tiny_vgg, TinyDataModule(), saves) for saves in (True, False))
    assert with_checkpoint > 0
    assert without > 0
