"""A text of words: read, counted and kept with its run; asked about by the command; resumed exactly."""

import csv
import hashlib
import itertools
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.errors import InputError
from datamodules import WordCorpusDataModule
from datamodules.text import corpora
from datamodules.text.encoder import Encoding
from datamodules.text.vocabulary import to_bytes
from datamodules.words.stream import WordLoader
from datamodules.words.synthetic import synthetic_sentences
from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits, figures_of
from tests.processes import finish, start_ranks

TEXT = "The cat sat.\n\nThe CAT sat on the mat\nx y z <br /> mat!\n"
SETTINGS: dict[str, Any] = {"encoding": Encoding(punctuation=False, min_count=2), "subsample": 0.0, "batch_size": 4}
CONFIG = """
model:
  class_path: lightning_modules.WordVectors
  init_args: {width: 8, optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.05}}}
data:
  class_path: datamodules.WordCorpusDataModule
  init_args: {source: synthetic, batch_size: 600, subsample: 1.0e-3}
trainer:
  accelerator: cpu
  devices: 1
  max_epochs: 2
  callbacks: [{class_path: tests.contract.interruptions.KilledAt}]
"""

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the synthetic text a short one."""
    monkeypatch.setattr("datamodules.word_corpus.SYNTHETIC", 1200)


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., WordCorpusDataModule]:
    """Makes a data module of the text, set up."""
    (tmp_path / "text.txt").write_text(TEXT)

    def make(**settings: Any) -> WordCorpusDataModule:
        given = {"file": "text.txt"} if not settings.keys() & {"folder", "source", "corpus"} else {}
        data = WordCorpusDataModule(**SETTINGS | given | settings)
        state = SimpleNamespace(fn="fit")
        data.trainer = SimpleNamespace(
            world_size=1, global_rank=0, seed=0, overfit_batches=0, state=state, strategy=None
        )
        data.setup("fit")
        return data

    return make


def texts(data: WordCorpusDataModule) -> list[list[str]]:
    """Returns the words of each document."""
    documents = data.splits["train"].documents
    words = [data.symbols[number] for number in documents.tokens.tolist()]
    starts = documents.starts.tolist()
    return [words[begin:end] for begin, end in itertools.pairwise(starts)]


def test_words_are_counted_and_numbered_by_falling_frequency(corpus: Callable) -> None:
    data = corpus()
    assert data.symbols == ("the", "cat", "mat", "sat")
    assert data.word_counts.tolist() == [3, 2, 2, 2]
    assert texts(data) == [["the", "cat", "sat"], ["the", "cat", "sat", "the", "mat"], ["mat"]]
    assert data.vocabulary_content() == {"symbols": data.symbols, "counts": [3, 2, 2, 2]}


def test_a_document_can_be_a_whole_file(corpus: Callable, tmp_path: Path) -> None:
    (tmp_path / "books" / "old").mkdir(parents=True)
    for name in ("b.txt", "old/a.txt", "notes.md", ".hidden.txt"):
        (tmp_path / "books" / name).write_text(TEXT)
    data = corpus(folder="books", documents="files")
    assert [len(document) for document in texts(data)] == [13, 13]
    assert (data.name, data.origin) == ("books", "books")


def test_marks_and_capital_letters_are_kept_if_asked_for(corpus: Callable) -> None:
    data = corpus(encoding=Encoding(punctuation=True, lowercase=False))
    assert {"The", "CAT", "!", "."} <= set(data.symbols)
    assert corpus(encoding=Encoding(punctuation=False, max_size=3)).symbols == ("the", "cat", "mat")


def test_a_text_is_read_in_pieces_of_any_length(corpus: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = texts(corpus(documents="files"))
    monkeypatch.setattr("datamodules.words.counts.PIECE", 9)
    (next(Path().rglob("*.cache.safetensors"), Path("none"))).unlink(missing_ok=True)
    assert texts(corpus(documents="files")) == whole


def test_the_cache_is_of_this_text_with_these_settings(corpus: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").mkdir()
    first = texts(corpus())
    assert Path("data/words.cache.safetensors").is_file()
    with monkeypatch.context() as patch:
        patch.setattr("datamodules.words.files.count_words", None)
        assert texts(corpus()) == first
    assert len(texts(corpus(encoding=Encoding(punctuation=False)))[2]) == 4
    Path("text.txt").write_text("a a b b\n")
    assert texts(corpus()) == [["a", "a", "b", "b"]]


def test_words_of_another_run_are_used(corpus: Callable) -> None:
    Path("vocabulary.json").write_text(json.dumps({"symbols": ["mat", "dog", "the"], "counts": [9, 9, 9]}))
    data = corpus(vocabulary="vocabulary.json")
    assert data.symbols == ("mat", "dog", "the")
    assert data.word_counts.tolist() == [2, 0, 3]


def test_a_vocabulary_of_an_earlier_release_goes_on_cutting_words_at_marks(corpus: Callable) -> None:
    Path("data").mkdir()  # for the cache
    Path("text.txt").write_text("cafe\u0301 cafe\u0301 cafe cafe the the the\n")
    cut = {"symbols": ("cafe", "the"), "counts": [4, 3]}
    whole = {"symbols": ("the", "cafe", "cafe\u0301"), "counts": [3, 2, 2], "marks": True}
    assert corpus().vocabulary_content() == whole
    for content in (cut, whole, cut):
        Path("vocabulary.json").write_text(json.dumps(content))
        assert corpus(vocabulary="vocabulary.json").vocabulary_content() == content, "as in its checkpoints"


def test_words_count_in_training_as_often_as_they_are_read(corpus: Callable) -> None:
    data = corpus(subsample=0.1)
    shares = data.word_counts.double() / 9
    kept = ((0.1 / shares).sqrt() + 0.1 / shares).clamp(max=1)
    torch.testing.assert_close(data.training_counts, data.word_counts * kept, rtol=1e-6, atol=0)
    assert corpus().training_counts.tolist() == [3, 2, 2, 2]


def test_reading_ahead_changes_no_batch(corpus: Callable) -> None:
    data, before = corpus(source="synthetic", subsample=1e-2), []
    threads = torch.get_num_threads()
    for number in (1, 2):
        torch.set_num_threads(number)
        loader = WordLoader(data.splits["train"], 2, 500, True, 7)
        loader.position = 3
        before.append(list(loader))
    torch.set_num_threads(threads)
    assert len(before[0]) == len(before[1]) == len(loader) - 3
    for one, other in zip(*before, strict=True):
        assert_same_bits(one._asdict(), other._asdict())


@pytest.mark.parametrize("given", [{}, {"source": "synthetic"}])
def test_a_vocabulary_has_at_most_as_many_words_as_asked_for(corpus: Callable, given: dict[str, Any]) -> None:
    words = corpus(**given).symbols
    settings = given | {"encoding": Encoding(punctuation=False, min_count=2, max_size=3), "batch_size": 3}
    assert corpus(**settings).symbols == words[:3]


def test_a_short_text_has_smaller_steps(corpus: Callable) -> None:
    data = corpus(source="synthetic", batch_size=None)
    assert data.batch_size == 256
    assert len(corpus(batch_size=3).train_dataloader()) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"file": "absent.txt"}, "--data.file absent.txt: no such file"),
        ({"folder": "absent"}, "--data.folder absent: no such folder"),
        ({"folder": "."}, r"--data.folder \.: no files .txt or .txt.gz in it"),
        ({"file": "a", "folder": "b"}, "data.file and data.folder: name one of the two"),
        ({"window": 0}, "data.window is 0: at least 1 is needed"),
        ({"subsample": 2.0}, "data.subsample is 2: a share of the text"),
        ({"encoding": Encoding(ngrams=2)}, "data.encoding.ngrams is 2: a text of words has none"),
        ({"encoding": Encoding(keep="tail")}, "data.encoding.keep is tail: a text of words has none; leave it out"),
        ({"encoding": Encoding(whole=True)}, "data.encoding.whole is True: a text of words has none; leave it out"),
        ({"encoding": Encoding(tokenizer="subword", max_size=9)}, "takes word, letters, char or jieba"),
        (
            {"encoding": Encoding(min_count=50)},
            "too few words for a vocabulary, of 15 in the text; lower",
        ),
        ({"batch_size": 400}, "data.batch_size is 400: larger than the 9 training words"),
    ],
)
def test_what_cannot_be_read_is_named(corpus: Callable, settings: dict[str, Any], message: str) -> None:
    if settings.get("folder") == ".":
        corpus()
        Path("text.txt").rename("text.md")
    with pytest.raises(InputError, match=message):
        corpus(**settings)


def test_text8_is_unpacked_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "text8.zip", "w") as file:
        file.writestr("text8", TEXT)
    with pytest.raises(InputError, match=r"text8.zip: holds another text than text8"):
        corpora.text8(tmp_path)
    monkeypatch.setattr(corpora, "TEXT8_MD5", hashlib.md5(TEXT.encode()).hexdigest())
    assert corpora.text8(tmp_path).read_text() == TEXT
    (tmp_path / "text8").unlink()
    (tmp_path / "text8.zip").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"text8.zip: no archive of text8"):
        corpora.text8(tmp_path)


@pytest.mark.parametrize(
    ("local", "central", "value", "reason"),
    [(6, 8, b"\x01\x00", "encrypted"), (8, 10, b"\x63\x00", "compression method is not supported")],
)
def test_an_odd_archive_of_text8_is_named(local: int, central: int, value: bytes, reason: str, tmp_path: Path) -> None:
    """It is encrypted, or packed in a way that there is not."""
    with zipfile.ZipFile(tmp_path / "text8.zip", "w") as file:
        file.writestr("text8", TEXT)
    content = bytearray((tmp_path / "text8.zip").read_bytes())
    for place in (local, content.index(b"PK\x01\x02") + central):
        content[place : place + len(value)] = value
    (tmp_path / "text8.zip").write_bytes(content)
    with pytest.raises(InputError, match=rf"text8.zip: no archive of text8 \(.*{reason}"):
        corpora.text8(tmp_path)


def test_no_more_than_text8_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "TEXT8_MD5", hashlib.md5(TEXT.encode()).hexdigest())
    monkeypatch.setattr(corpora, "TEXT8_BYTES", len(TEXT) - 1)
    with zipfile.ZipFile(tmp_path / "text8.zip", "w") as file:
        file.writestr("text8", TEXT)
    with pytest.raises(InputError, match=r"text8.zip: holds another text than text8"):
        corpora.text8(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of word vectors on a synthetic text."""
    path = tmp_path / "words.yaml"
    path.write_text(CONFIG)
    return path


def rows_of(run: str) -> list[dict[str, str]]:
    """Returns the rows of a run's `metrics.csv`."""
    return list(csv.DictReader(Path(run, "metrics.csv").read_text().splitlines()))


def test_a_run_that_is_killed_within_an_epoch_ends_with_the_same_bits(
    config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = ("fit", "--config", config, "--checkpoint.every_n_train_steps", 2)
    code, _, errors = command(*fit, "--run_dir", "whole")
    assert code == 0, errors
    steps = int(rows_of("whole")[0]["step"])
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.step", steps + 3)
    assert command(*fit, "--run_dir", "run")[0] == 1
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.step", None)
    code, output, errors = command("fit", "--ckpt_path", "run", "--trainer.fast_loop", "false")
    assert code == 0, errors
    assert "resumed  at step" in output
    assert figures_of(Path("run/metrics.csv")) == figures_of(Path("whole/metrics.csv"))
    last = [load_checkpoint(Path(run, "checkpoints/last.ckpt"))["state_dict"] for run in ("run", "whole")]
    assert_same_bits(*last)


def test_a_run_is_tested_and_asked(config: Path, command: Command) -> None:
    assert command("fit", "--config", config, "--run_dir", "run")[0] == 0
    assert {"words.png", "projector.tsv", "vocabulary.json"} <= {path.name for path in Path("run").iterdir()}
    code, output, errors = command("test", "--ckpt_path", "run")
    assert code == 0, errors
    assert "test/analogies" in output
    assert "test/other-similarities" in output
    assert Path("run/test_analogies.csv").read_text().startswith("file,kind,right,covered,share\n")
    code, output, errors = command("predict", "--ckpt_path", "run", "--input", "boria - galia + GALOPOL", "streetz")
    assert code == 2
    assert "'streetz' is not among the" in errors
    assert "did you mean streets" in errors
    assert sum(line.startswith("boria - galia + GALOPOL") for line in output.splitlines()) == 10
    assert not {"boria", "galia", "galopol"} & {line.split()[-2] for line in output.splitlines()}
    code, _, errors = command("predict", "--ckpt_path", "run", "--input", "boria", "--output", "vectors.txt")
    assert code == 2
    assert "--output vectors.txt: there is no such form of these predictions; end the name in .csv" in errors
    code, _, errors = command("predict", "--ckpt_path", "run", "--output", "vectors.txt")
    assert code == 0, errors
    lines = Path("vectors.txt").read_text().splitlines()
    assert lines[0] == f"{len(lines) - 1} 8"


def test_groups_of_characters_give_unknown_words_vectors(config: Path, command: Command) -> None:
    ngrams = ("--model.ngrams", "[3,5]", "--model.ngram_buckets", 2000, "--trainer.max_epochs", 1)
    assert command("fit", "--config", config, "--run_dir", "run", *ngrams)[0] == 0
    code, output, errors = command("predict", "--ckpt_path", "run", "--input", "windborr", "boria + windborr")
    assert code == 0, errors
    assert output.splitlines()[1].split()[:2] == ["windborr", "windbor"]


def test_a_value_that_is_not_finite_ends_the_run(config: Path, command: Command) -> None:
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", "--model.optimizer.lr", 1e30)
    assert code == 1
    assert "diverged" in errors
    assert len(errors.splitlines()) == 1


def test_two_processes_take_the_same_steps_as_one(config: Path, command: Command) -> None:
    """Their shares of a piece have windows of their own, so that sums are equal only about."""
    Path("made.txt").write_text("\n".join(synthetic_sentences(1500, seed=1)))
    fit = ("fit", "--config", config, "--data.source", "auto", "--data.file", "made.txt", "--data.window", 1)
    code, _, errors = command(*fit, "--run_dir", "one")
    assert code == 0, errors
    two = ("--trainer.devices", 2, "--trainer.strategy", "ddp")
    code, output = finish(start_ranks(*fit, "--run_dir", "two", *two))
    assert code == 0, output
    losses = [rows_of(run)[-1]["train/loss"] for run in ("one", "two")]
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=0.03)


def test_a_grown_text_is_told_and_the_words_of_the_run_stay(
    corpus: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    data = corpus()
    data.save_beside(Path())
    kept = {"batch": 0, "vocabulary": to_bytes(data.vocabulary_content())} | data.facts()
    Path("text.txt").write_text(TEXT + "The cat.\n")
    grown = corpus(vocabulary="vocabulary.json")
    with pytest.raises(InputError, match=r"the words have changed since this run stopped \("):
        grown.load_state_dict(kept)
    grown.trainer.state.fn = "test"
    grown.load_state_dict(kept)
    assert "note     text.txt: the words have changed since this run was trained (" in capsys.readouterr().out
    with pytest.raises(InputError, match="has other words than those that the network was trained with"):
        corpus(encoding=Encoding(punctuation=False, max_size=3)).load_state_dict(kept)


def test_a_file_that_cannot_be_read_keeps_its_reason_beside_a_sum_that_can(corpus: Callable) -> None:
    data = corpus()
    Path("broken.txt").write_bytes(b"\xff\xfe\xff")
    data.inputs = ["broken.txt", "cat"]
    data.trainer.lightning_module = None
    data.predict_dataloader()
    assert "not UTF-8" in data.unread[0]


def test_pieces_are_the_same_whatever_the_number_of_devices(corpus: Callable) -> None:
    """A run goes on at a piece, on another number of devices, too."""
    data = corpus(batch_size=6)
    data.kept_share = 0.7  # 9 words of the text for 6 that are kept
    pieces = []
    for world_size in (1, 2, 3):
        ranks = []
        for rank in range(world_size):
            data.trainer.world_size, data.trainer.global_rank = world_size, rank
            ranks.append([batch.words.tolist() for batch in data.train_dataloader()])
        pieces.append([sum(shares, []) for shares in zip(*ranks, strict=True)])
    assert pieces[0] == pieces[1] == pieces[2]


def test_each_device_has_something_to_predict(corpus: Callable) -> None:
    data = corpus()
    data.inputs = ["cat", "mat - sat"]
    data.trainer.world_size = 3
    with pytest.raises(InputError, match="3 devices need at least 3 inputs, not 2"):
        data.predict_dataloader()
