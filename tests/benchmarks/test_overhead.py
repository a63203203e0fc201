"""The contenders train the same network on the same batches; nothing here looks at a clock."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch

from benchmarks import overhead
from benchmarks.gpu_parts import overhead as gpu_overhead
from benchmarks.gpu_parts.settings import Findings, Settings
from datamodules.images.synthetic import synthetic_images


def test_every_contender_makes_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: synthetic_images(n // 20, **how)
    )
    monkeypatch.setattr(overhead, "RowLSTM", partial(overhead.RowLSTM, hidden=8))
    output = tmp_path / "out.json"
    monkeypatch.setattr(
        "sys.argv", ["x", "--only", "mlp", "lstm", "--steps", "2", "--pairs", "1", "--output", str(output)]
    )
    overhead.main()
    results = json.loads(output.read_text())["results"]
    assert results.keys() == {"mlp", "lstm"}
    for figures in results.values():
        assert set(figures["steps_per_second"]) == {"raw", "bare", "full"}
        assert figures["full_of_raw"]["median"] > 0


def test_the_cases_are_measured_on_a_device_that_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "RowLSTM", partial(overhead.RowLSTM, hidden=8))
    make = overhead.make_cases

    def chosen(*given: object) -> dict[str, object]:
        assert given[-1] == torch.device("cpu")
        return {"lstm": make(*given)["lstm"]}

    monkeypatch.setattr(gpu_overhead, "make_cases", chosen)
    found = Findings(tmp_path / "found.json")
    gpu_overhead.measure(Settings(torch.device("cpu"), quick=True, pairs=1), found)
    speeds, microseconds = (found.content["lstm"][name] for name in ("steps_per_second", "microseconds_a_step"))
    assert microseconds["full"]["median"] == pytest.approx(1e6 / speeds["full"]["median"])
