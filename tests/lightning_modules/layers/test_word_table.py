"""Networks of words start from vectors that were learned before: by a run, or in a file of anybody."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import InputError
from datamodules.words.vector_files import Vectors, as_text
from lightning_modules import BagOfNgrams, TextCNN, WordVectors
from lightning_modules.layers.word_table import WordTable, read_source

SYMBOLS = ("\x00pad", "\x00unknown", "river", "stone", "goal", "not")
WORDS = ["stone", "absent", "river"]
VECTORS = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
CLASSIFIER = """
model:
  class_path: lightning_modules.TextCNN
  init_args: {embedding: 8, filters: 4}
data:
  class_path: datamodules.TextClassificationDataModule
  init_args: {source: synthetic, batch_size: 8, val_size: 10}
trainer: {accelerator: cpu, devices: 1, max_steps: 1}
"""
WORD_VECTORS = """
model:
  class_path: lightning_modules.WordVectors
  init_args: {width: 8, optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.05}}}
data:
  class_path: datamodules.WordCorpusDataModule
  init_args: {file: text.txt, batch_size: 50, encoding: {punctuation: false}}
trainer: {accelerator: cpu, devices: 1, max_epochs: 1}
"""

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of word vectors."""
    path = tmp_path / "vectors.txt"
    path.write_bytes(as_text(WORDS, VECTORS))
    return path


def test_known_words_take_their_vectors_and_others_keep_theirs(file: Path) -> None:
    net = TextCNN(num_classes=2, vocab_size=6, embedding=3, embeddings=str(file))
    table = net.embedding.table
    before = table.weight.detach().clone()
    assert table.start_from_source(SYMBOLS) == f"2 of 6 words start from {file}"
    assert torch.equal(table.weight[2:4], VECTORS[[2, 0]])
    assert torch.equal(table.weight[[0, 1, 4, 5]], before[[0, 1, 4, 5]])


def test_weights_that_were_loaded_are_kept(file: Path) -> None:
    table = BagOfNgrams(num_classes=2, vocab_size=6, embedding=3, embeddings=str(file)).embedding
    with torch.no_grad():
        table.weight.copy_(torch.ones(6, 3))
    assert table.start_from_source(SYMBOLS) is None
    assert (table.weight == 1).all()


def test_there_need_be_no_source() -> None:
    net = TextCNN(num_classes=2, vocab_size=6, embedding=3)
    before = net.embedding.table.weight.detach().clone()
    assert net.embedding.table.start_from_source(SYMBOLS) is None
    assert torch.equal(net.embedding.table.weight, before)


def test_vectors_that_do_not_fit_are_refused() -> None:
    found = Vectors(WORDS, VECTORS)
    with pytest.raises(InputError, match="here: has vectors of 3 numbers, and the model's have 4"):
        WordTable(6, 4).take_vectors(SYMBOLS, found, "here")
    with pytest.raises(InputError, match="here: has none of the 2 words of the text"):
        WordTable(6, 3).take_vectors(("a", "b"), found, "here")
    with pytest.raises(InputError, match=r"give model\.embedding, their width"):
        BagOfNgrams(num_classes=2, vocab_size=6, embeddings="here")


def test_a_classifier_starts_from_a_run_and_goes_on_without_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.text_classification.SYNTHETIC", {"train": 400, "test": 40})
    Path("words.yaml").write_text(WORD_VECTORS)
    Path("classifier.yaml").write_text(CLASSIFIER)
    Path("text.txt").write_text("river stone goal not\nthe river of the stone\n" * 200)
    assert command("fit", "--config", "words.yaml", "--run_dir", "words")[0] == 0
    words, vectors = read_source("words")
    fit = ("fit", "--config", "classifier.yaml", "--model.embeddings", "words")
    code, output, errors = command(*fit, "--run_dir", "run", "--trainer.max_steps", 1)
    assert code == 0, errors
    assert "words start from" in output
    table = torch.load("run/checkpoints/last.ckpt", weights_only=True)["state_dict"]["embedding.table.weight"]
    symbols = read_saved_symbols("run")
    moved = (table[symbols.index("river")] - vectors[words.index("river")]).abs().max()
    assert moved < 0.1  # one step away
    assert f"embeddings: {tmp_path / 'words'}" in Path("run/config.yaml").read_text()
    Path("words").rename("gone")
    code, _, errors = command("fit", "--ckpt_path", "run", "--trainer.max_steps", 2)
    assert code == 0, errors
    code, _, errors = command(*fit, "--run_dir", "other")
    assert code == 2
    assert errors == "error: --model.embeddings words: no such file or run folder\n"
    assert not Path("other").exists()


def test_a_run_starts_from_a_file_by_weights(command: Command) -> None:
    Path("words.yaml").write_text(WORD_VECTORS)
    Path("text.txt").write_text("river stone goal not\n" * 200)
    start = torch.full((1, 8), 5.0)
    Path("vectors.txt").write_bytes(as_text(["goal"], start))
    fit = ("fit", "--config", "words.yaml", "--model.optimizer.lr", 0)
    code, output, errors = command(*fit, "--run_dir", "run", "--weights", "vectors.txt")
    assert code == 0, errors
    assert "weights  1 of 4 words start from vectors.txt" in output
    words, vectors = read_source("run")
    assert torch.equal(vectors[words.index("goal")], start[0])
    code, _, errors = command(*fit, "--weights", "absent.txt")
    assert (code, errors) == (2, "error: --weights absent.txt: no such file or run folder\n")


def test_the_words_of_a_run_with_groups_of_characters_are_sums(tmp_path: Path) -> None:
    net = WordVectors(2, width=3, ngrams=[2, 3], ngram_buckets=5, add_outputs=True, context_std=1.0)
    net.learn_vocabulary(["ab", "cd"], torch.empty(0))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "vocabulary.json").write_text('{"symbols": ["ab", "cd"]}')
    content = {"state_dict": net.state_dict(), "hyper_parameters": dict(net.hparams)}
    torch.save(content, tmp_path / "checkpoints" / "last.ckpt")
    words, vectors = read_source(str(tmp_path))
    assert words == ["ab", "cd"]
    torch.testing.assert_close(vectors, net(torch.tensor([0, 1])))
    torch.save({"state_dict": {}}, tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(InputError, match=r"no run of word vectors \(KeyError in last.ckpt\)"):
        read_source(str(tmp_path))


def test_a_checkpoint_that_could_run_code_is_refused_as_such(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "vocabulary.json").write_text('{"symbols": ["ab", "cd"]}')
    torch.save({"state_dict": tmp_path}, tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(InputError, match=r"last\.ckpt: holds objects that could run code; nothing of it was loaded"):
        read_source(str(tmp_path))


def read_saved_symbols(run: str) -> list[str]:
    """Returns the symbols of a run."""
    import json

    return json.loads(Path(run, "vocabulary.json").read_text())["symbols"]
