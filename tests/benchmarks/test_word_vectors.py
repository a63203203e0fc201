"""Both contenders train on the same words and are measured by the same questions; nothing here looks at a clock."""

import json
from pathlib import Path

import pytest

from benchmarks import word_vectors


def test_both_contenders_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    monkeypatch.setattr("datamodules.word_corpus.SYNTHETIC", 1200)
    output = tmp_path / "out.json"
    small = ["--threads", "1", "--pairs", "2", "--width", "8", "--epochs", "1", "--output", str(output)]
    monkeypatch.setattr("sys.argv", ["x", *small])
    word_vectors.main()
    results = json.loads(output.read_text())["results"]
    assert results["threads 1"]["ours_of_gensim"]["median"] > 0
    assert set(results["score"]) == {"similarities", "other-similarities", "analogies"}
    for both in results["score"].values():
        assert set(both) == {"ours", "gensim"}
    assert results["score"]["similarities"]["ours"]["min"] != results["score"]["similarities"]["ours"]["max"]
