"""What data sets of this project do not take over from Lightning."""

from pathlib import Path

import pytest

from core.errors import InputError
from tests.tiny import TinyDataModule


def test_no_data_set_is_made_from_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"TinyDataModule.load_from_checkpoint: .* make it with those .* config\.yaml"):
        TinyDataModule.load_from_checkpoint(tmp_path / "last.ckpt")


def test_its_text_is_its_class_and_loads_nothing() -> None:
    data = TinyDataModule()
    assert str(data) == "TinyDataModule"
    assert not data.splits
