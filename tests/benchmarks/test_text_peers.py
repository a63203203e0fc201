"""The peers learn from the project's own split and read the test set once; nothing here looks at a clock."""

import json
from pathlib import Path

import pytest

from benchmarks import text_peers
from datamodules import TextClassificationDataModule
from datamodules.text.synthetic import synthetic_documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents in files of two columns."""
    for part, n, seed in (("dev", 200, 1), ("test", 60, 2)):
        texts, labels = synthetic_documents(n, 4, seed)
        lines = [f"{text}\t{label}" for text, label in zip(texts, labels, strict=True)]
        (tmp_path / f"{part}.txt").write_text("\n".join(lines))
    (tmp_path / "class.txt").write_text("a\nb\nc\nd\n")
    return tmp_path


def test_the_peers_are_better_than_chance(folder: Path) -> None:
    pytest.importorskip("sklearn")
    data = TextClassificationDataModule(str(folder), train_file="dev.txt", test_file="test.txt", val_size=40)
    found = text_peers.peers(data, {"ngram_range": (1, 2)})
    assert set(found) == {"logistic regression", "support vector machine"}
    assert all(40 < figures["accuracy"] <= 100 for figures in found.values())


def test_ours_and_the_peers_are_measured_on_one_split(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setitem(text_peers.CASES, "titles", ("thucnews_dir", "quick.yaml", {"ngram_range": (1, 1)}))
    (tmp_path / "quick.yaml").write_text(
        "model: {class_path: lightning_modules.BagOfNgrams}\n"
        "data:\n  class_path: datamodules.TextClassificationDataModule\n"
        "  init_args: {train_file: dev.txt, test_file: test.txt, val_size: 40, batch_size: 20}\n"
        "trainer: {max_epochs: 1, accelerator: cpu, devices: 1, logger: false}\n"
    )
    output = tmp_path / "out.json"
    options = ["x", "--thucnews_dir", str(folder), "--seeds", "1", "2", "--output", str(output)]
    monkeypatch.setattr("sys.argv", options)
    text_peers.main()
    results = json.loads(output.read_text())["results"]["titles"]
    assert set(results) == {"logistic regression", "support vector machine", "quick"}
    assert 25 < results["quick"]["accuracy"]["median"] <= 100
