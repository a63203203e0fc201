"""Waits for a GPU are counted, with their places in the code, in the steps that are watched."""

import warnings
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from benchmarks.gpu_parts import waits
from benchmarks.gpu_parts.waits import Watch
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Waiting(Callback):
    """Does what torch does where a program waits."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Waits."""
        warnings.warn("called a synchronizing CUDA operation (function here)", UserWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)


def test_waits_are_counted_in_the_steps_that_are_watched(tmp_path: Path) -> None:
    watch = Watch(first=1, steps=3)
    shown = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny_trainer(tmp_path, max_epochs=1, callbacks=[watch, Waiting()]).fit(tiny_vgg(), TinyDataModule())
    assert watch.steps == 3
    assert [*watch.places.values()] == [3]
    assert [*watch.places] == [waits_line()]
    assert warnings.showwarning is shown


def waits_line() -> str:
    """Returns where `Waiting` waits."""
    lines = Path(__file__).read_text().splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "called a synchronizing" in line)
    return f"tests/benchmarks/gpu_parts/test_waits.py:{number} on_train_batch_end"


def test_every_config_is_there() -> None:
    assert all((waits.ROOT / "configs" / f"{name}.yaml").is_file() for name in waits.CONFIGS)
