"""The contenders train the same network on the same batches; nothing here looks at a clock."""

import json
from functools import partial
from pathlib import Path

import pytest

from benchmarks import overhead
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
