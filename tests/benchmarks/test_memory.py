"""What the benchmark of memory counts."""

import mmap
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.measure import peak_memory
from benchmarks.memory import CASES, Peak, allowed, size
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_what_a_run_needs_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.memory.atexit.register", lambda write: None)
    counting = Peak(str(tmp_path / "a.json"))
    model = tiny_vgg()
    model.make_optimizer = lambda groups: torch.optim.SGD(groups, 0.1, momentum=0.9)
    tiny_trainer(tmp_path, max_epochs=1, callbacks=[counting]).fit(model, TinyDataModule())
    weights = size(model.parameters())
    assert counting.needs["data"] == 330 * 16 * 16 * 3
    assert counting.needs["gradients"] == counting.needs["optimizer"] == weights
    assert counting.needs["averages"] == 0
    assert counting.needs["weights"] == weights + size(model.buffers())
    batch = 40 * 16 * 16 * 4  # one channel of a batch in float32
    assert 3 * batch + 8 * batch < counting.needs["activations"] < 3 * batch + 10 * 8 * batch


def test_the_peak_stays_when_memory_is_given_back() -> None:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
    before, step = peak_memory(), 2**25
    more = before - resident + step  # as much as makes the process larger than it has ever been
    with mmap.mmap(-1, more) as block:
        for page in range(0, more, mmap.PAGESIZE):
            block[page] = 1
    assert before + step / 2 < peak_memory() < before + 2 * step


def test_data_count_more_than_twice_and_all_else_once() -> None:
    assert allowed({"data": 100, "weights": 10, "activations": 5}) == pytest.approx(235)


def test_cases_without_real_data_draw_pictures() -> None:
    assert [name for name, words in CASES.items() if "synthetic" in words] == [
        n for n in CASES if n.startswith("12,000")
    ]
