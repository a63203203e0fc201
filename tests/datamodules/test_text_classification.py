"""Documents are read, split and numbered once, by a vocabulary of the training part, which goes with the network."""

import io
import itertools
import re
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import BasePredictionWriter

import datamodules.text_classification
from callbacks import RunCheckpoint
from core.errors import InputError
from datamodules import TextClassificationDataModule
from datamodules.base.cache import cached, fingerprint
from datamodules.text.encoding import Encoding
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from lightning_modules import TextRNN
from tests.bits import assert_same_bits
from tests.interruptions import PulledPlug, PullPlug
from tests.servers import Files, refusing, serving
from tests.tiny import tiny_trainer
from tests.tiny_text import TinyDocuments

WORDS = {"neg": "bad dull poor", "pos": "good fine great"}


def make(path: Path, **settings: object) -> TextClassificationDataModule:
    """Returns a data module that belongs to a trainer."""
    data = TextClassificationDataModule(str(path), **{"batch_size": 4} | settings)
    data.trainer = SimpleNamespace(
        world_size=1,
        global_rank=0,
        seed=0,
        overfit_batches=0.0,
        state=SimpleNamespace(fn="fit"),
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
        fit_loop=SimpleNamespace(
            epoch_progress=SimpleNamespace(current=SimpleNamespace(started=1, processed=1)), epoch_loop=None
        ),
    )
    return data


def set_up(path: Path, stage: str = "fit", **settings: object) -> TextClassificationDataModule:
    """Returns one that has been set up."""
    data = make(path, **settings)
    data.setup(stage)
    return data


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Reviews in folders, as aclImdb has them."""
    for part, n in (("train", 10), ("test", 3)):
        for name, words in WORDS.items():
            (tmp_path / "reviews" / part / name).mkdir(parents=True)
            for number in range(n):
                text = f"{words} {part}word number{number}"
                (tmp_path / "reviews" / part / name / f"{number}_1.txt").write_text(text)
    return tmp_path / "reviews"


@pytest.fixture
def columns(tmp_path: Path) -> Path:
    """Titles in files of two columns."""
    folder = tmp_path / "titles"
    folder.mkdir()
    (folder / "class.txt").write_text("finance\nsports\n")
    for part, n in (("dev", 20), ("test", 6)):
        lines = [f"{['stock price', 'goal match'][i % 2]} {part}{i}\t{i % 2}" for i in range(n)]
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return folder


def texts(data: TextClassificationDataModule, part: str) -> list[str]:
    """Returns the documents of a part, as far as their words are known."""
    split, symbols = data.splits[part].documents, data.encoder.vocabulary.symbols
    starts = split.starts.tolist()
    tokens = split.tokens.tolist()
    return [" ".join(symbols[t] for t in tokens[a:b]) for a, b in itertools.pairwise(starts)]


def test_folders_are_classes(folders: Path) -> None:
    data = set_up(folders)
    assert data.class_names == ("neg", "pos")
    assert data.sizes == {"train": 20, "val": 0, "test": 6}
    assert texts(data, "train")[0] == "bad dull poor trainword number0"
    assert data.splits["train"].targets.tolist() == [0] * 10 + [1] * 10
    assert data.name == "reviews"


def test_the_vocabulary_is_that_of_training_alone_and_known_before_setup(folders: Path) -> None:
    data = make(folders, val_size=4)
    assert data.vocab_size == len(data.encoder.vocabulary)
    known = set(data.encoder.vocabulary.symbols[2:])
    assert known == {word for text in texts(data, "train") for word in text.split()}
    assert "testword" not in known
    assert sum("\x00unknown" in text for text in texts(data, "test")) == 6


def test_the_vocabulary_can_be_that_of_all_texts(folders: Path) -> None:
    data = set_up(folders, encoding=Encoding(whole=True), val_size=4)
    assert "testword" in data.encoder.vocabulary.symbols
    assert not any("\x00unknown" in text for part in ("train", "val", "test") for text in texts(data, part))


def test_the_courses_reviews_alternate_in_the_order_of_their_names(folders: Path) -> None:
    folders.rename(folders.parent / "aclImdb")
    for name in WORDS:  # 10 sorts before 2
        (folders.parent / "aclImdb" / "train" / name / "9_1.txt").rename(
            folders.parent / "aclImdb" / "train" / name / "10_7.txt"
        )
    data = set_up(folders.parent, dataset="imdb_course", shuffle=False, encoding=Encoding(whole=True))
    assert data.sizes == {"train": 16, "val": 2, "test": 2}
    numbers = [text.rpartition("number")[2] for part in ("train", "val", "test") for text in texts(data, part)]
    assert numbers == [number for number in "0912345678" for _ in range(2)]
    assert data.splits["train"].targets.tolist() == [1, 0] * 8
    assert all("trainword" in text for text in texts(data, "test"))
    order = torch.cat([batch.index for batch in data.train_dataloader()])
    assert order.tolist() == list(range(16))


def test_the_splits_are_disjoint_stratified_and_the_same_in_every_stage(folders: Path) -> None:
    seen = []
    for stage in ("fit", "validate", "test", "predict"):
        data = set_up(folders, stage, val_size=4)
        assert data.splits["val"].targets.tolist() == [0, 0, 1, 1]
        assert data.sizes == {"train": 16, "val": 4, "test": 6}
        seen.append([texts(data, part) for part in ("train", "val")])
        data.setup(stage)
        assert [texts(data, part) for part in ("train", "val")] == seen[-1]
    assert all(other == seen[0] for other in seen)
    other = set_up(folders, val_size=4, split_seed=1)
    assert texts(other, "val") != seen[0][1]


def test_validation_can_be_of_blocks_of_neighbours(tmp_path: Path) -> None:
    numbers = {"neg": range(100), "pos": range(60)}
    for name, of_class in numbers.items():
        (tmp_path / "train" / name).mkdir(parents=True)
        for number in of_class:
            (tmp_path / "train" / name / f"{number:03}.txt").write_text(f"{name} number{number}")
    chosen = {}
    for seed in (0, 1):
        data = set_up(tmp_path, val_size=40, val_split="blocks", split_seed=seed, encoding=Encoding(whole=True))
        assert data.sizes == {"train": 120, "val": 40, "test": 0}
        chosen[seed] = texts(data, "val")
        assert sorted(chosen[seed] + texts(data, "train")) == sorted(
            f"{name} number{number}" for name, of_class in numbers.items() for number in of_class
        )
        for name, share in (("neg", 25), ("pos", 15)):
            own = [int(text.rpartition("number")[2]) for text in chosen[seed] if text.startswith(name)]
            parts = [[number for number in own if number // (len(numbers[name]) // 10) == part] for part in range(10)]
            assert len(own) == share
            for part in parts:
                assert len(part) in (share // 10, share // 10 + 1)
                assert part == list(range(part[0], part[-1] + 1))
    assert chosen[0] != chosen[1]


def test_numbered_classes_have_the_names_that_are_listed(columns: Path) -> None:
    data = set_up(columns, train_file="dev.txt", test_file="test.txt", val_size=4)
    assert data.class_names == ("finance", "sports")
    assert data.sizes == {"train": 16, "val": 4, "test": 6}
    assert texts(data, "test")[1].startswith("goal match")
    assert data.splits["test"].targets.tolist() == [0, 1] * 3


def test_numbers_without_names_are_in_their_own_order(columns: Path) -> None:
    (columns / "class.txt").unlink()
    lines = [f"text {i}\t{number}" for i, number in enumerate([10, 9, 2, 10, 9, 2])]
    (columns / "dev.txt").write_text("\n".join(lines))
    assert set_up(columns, train_file="dev.txt").class_names == ("2", "9", "10")


def test_a_listed_name_may_hold_spaces(columns: Path) -> None:
    (columns / "class.txt").write_text("real estate\nsports\n")
    assert set_up(columns, train_file="dev.txt").class_names == ("real estate", "sports")


def test_the_labels_column_is_that_of_the_training_file(columns: Path) -> None:
    (columns / "class.txt").unlink()
    (columns / "test.txt").write_text("stock\t0\ngoal\t1\n")  # of which either column could be the label
    assert set_up(columns, train_file="dev.txt", test_file="test.txt").splits["test"].targets.tolist() == [0, 1]


def test_without_a_test_folder_it_is_said_where_tests_belong(folders: Path) -> None:
    shutil.rmtree(folders / "test")
    for size, other in ((4, "; validate measures the validation split"), (0, "")):
        with pytest.raises(InputError, match=rf"no test documents, which belong in test/<class>{other}$"):
            set_up(folders, "test", val_size=size)


def test_a_label_can_be_a_digit_that_is_no_number(columns: Path) -> None:
    (columns / "class.txt").unlink()
    (columns / "dev.txt").write_text("".join(f"text {i}\t{'①②'[i % 2]}\n" for i in range(6)))
    assert set_up(columns, train_file="dev.txt").class_names == ("①", "②")


def test_a_header_names_the_columns(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,review,stars\n" + "".join(f'{i},"fine, {i}",{i % 2}\n' for i in range(6)))
    data = set_up(tmp_path, train_file="train.csv", text_column="review", label_column="stars")
    assert texts(data, "train")[0] == "fine , 0"
    assert data.sizes == {"train": 6, "val": 0, "test": 0}
    with pytest.raises(InputError, match=r"no test documents; data.test_file names them"):
        data.setup("test")


def test_of_a_table_to_predict_the_texts_of_training_are_read(tmp_path: Path, columns: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text('stars,id,review\n1,7,"fine, really"\n,8,"so ""so"""\n')
    data = make(tmp_path, train_file="train.csv", text_column="review", label_column="stars")
    data.inputs = [str(table), "a text"]
    assert data.prediction_names() == ["fine, really", 'so "so"', "a text"]
    data = set_up(columns, train_file="dev.txt")
    table.write_text('sports,"goal, match"\nfinance,stock\n')
    lines = tmp_path / "lines.txt"
    lines.write_text('sports,"goal"\n')
    data.inputs = [str(table), str(lines)]
    assert data.prediction_names() == ["goal, match", "stock", 'sports,"goal"']


def test_a_file_to_predict_is_a_document_where_those_of_training_are_files(folders: Path, columns: Path) -> None:
    path = folders / "new.txt"
    path.write_text("good\n\nand great\n")
    table = folders / "new.csv"
    table.write_text('"good\nand great"\nbad\n')
    for data, expected in (
        (make(folders), ["good\n\nand great\n"]),
        (make(columns, train_file="dev.txt"), ["good", "and great"]),
        (make(folders, source="synthetic"), ["good", "and great"]),
    ):
        data.inputs = [str(path), str(table)]
        assert data.prediction_names() == [*expected, "good\nand great", "bad"]
        assert any("one document a file" in note for note in data.notes_on_inputs()) == (len(expected) == 1)


def test_documents_are_numbered_once_until_something_changes(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = set_up(folders)
    numbered: list[str] = []
    whole = TextClassificationDataModule._number
    monkeypatch.setattr(
        TextClassificationDataModule, "_number", lambda self, parts: numbered.append("again") or whole(self, parts)
    )
    again = set_up(folders)
    assert not numbered
    assert texts(again, "train") == texts(first, "train")
    assert (again.class_names, again.examples) == (first.class_names, first.examples)
    set_up(folders, encoding=Encoding(ngrams=2))
    set_up(folders, val_size=2)
    (folders / "train" / "neg" / "0_1.txt").write_text("changed")
    assert texts(set_up(folders, val_size=2), "train")[0] == "changed"
    assert len(numbered) == 3


def test_a_cache_of_words_that_were_cut_at_marks_is_not_taken(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folders / "train" / "neg" / "0_1.txt").write_text("cafe\u0301")
    with monkeypatch.context() as earlier:
        earlier.setattr("datamodules.text.words.Words.any_combining_marks", lambda self, texts: False)
        earlier.setattr(
            "datamodules.text_classification.cached",
            lambda path, key, decode: cached(path, key.replace("marks ", ""), decode),
        )
        assert texts(set_up(folders), "train")[0] == "cafe \u0301"
    assert texts(set_up(folders), "train")[0] == "cafe\u0301"


def test_empty_and_long_documents_are_counted_and_kept(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "train" / "neg" / "0_1.txt").write_text("")
    (folders / "test" / "pos" / "0_1.txt").write_text("a b c d e f g")
    for _ in range(2):  # numbered, and from the cache
        data = set_up(folders, encoding=Encoding(max_length=6))
        output = capsys.readouterr().out
        assert "note     1 of 20 train documents are empty: each counts as one unknown symbol" in output
        assert "note     1 of 6 test documents are longer: the head of 6 tokens is kept" in output
        assert data.sizes == {"train": 20, "val": 0, "test": 6}
        assert texts(data, "train")[0] == "\x00unknown"


def test_a_run_keeps_the_vocabulary_for_texts_to_come(folders: Path, tmp_path: Path) -> None:
    first = set_up(folders, encoding=Encoding(max_length=4))
    first.save_beside(tmp_path)
    data = make(tmp_path / "nowhere", vocabulary=str(tmp_path), keep_classes=True)
    assert (data.vocab_size, data.class_names) == (first.vocab_size, first.class_names)
    data.inputs = ["good words", "bad bad bad bad bad"]
    data.setup("predict")
    (batch,) = data.predict_dataloader()
    assert batch.lengths.tolist() == [2, 4]
    assert batch.tokens[0].tolist() == [*first.encoder.encode("good words"), 0, 0]
    table = data.prediction_table(data.prediction_names(), torch.tensor([[0.1, 0.9], [0.8, 0.2]]))
    assert [row[:2] for row in table.rows] == [("good words", "pos"), ("bad bad bad bad bad", "neg")]


def test_other_texts_can_be_read_with_a_runs_vocabulary(folders: Path, columns: Path, tmp_path: Path) -> None:
    first = set_up(folders)
    first.save_beside(tmp_path)
    to_learn = set_up(columns, train_file="dev.txt", vocabulary=str(tmp_path))
    assert to_learn.class_names == ("finance", "sports"), "other classes are to be learned"
    assert to_learn.symbols == first.symbols
    with pytest.raises(InputError, match="label 'finance' is not among those of training: neg, pos"):
        set_up(columns, train_file="dev.txt", vocabulary=str(tmp_path), keep_classes=True)
    lines = "".join(f"good {i}\t{'pos' if i % 2 else 'neg'}\n" for i in range(8))
    (columns / "more.txt").write_text(lines)
    (columns / "class.txt").unlink()
    other = set_up(columns, train_file="more.txt", vocabulary=str(tmp_path))
    assert other.vocab_size == first.vocab_size
    assert set(texts(other, "train")) == {"good \x00unknown"}


def test_an_encoding_beside_a_vocabulary_is_the_runs_or_an_error(folders: Path, tmp_path: Path) -> None:
    set_up(folders, encoding=Encoding(max_length=4, lowercase=False)).save_beside(tmp_path)
    for encoding in (Encoding(), Encoding(lowercase=False), Encoding(max_length=4, lowercase=False)):
        data = set_up(folders, vocabulary=str(tmp_path), encoding=encoding)
        assert data.encoder.encoding == Encoding(max_length=4, lowercase=False)
    for encoding, said in (
        (Encoding(tokenizer="char", unique=True), "encoding.tokenizer is char: --data.vocabulary .* has word; give"),
        (Encoding(max_length=5), "encoding.max_length is 5: --data.vocabulary .* has 4; give that, or leave the"),
        (Encoding(unique=True), "encoding.unique is true: --data.vocabulary .* has false"),
    ):
        with pytest.raises(InputError, match=said):
            make(folders, vocabulary=str(tmp_path), encoding=encoding)


def test_a_checkpoint_of_other_symbols_or_files_is_refused(folders: Path) -> None:
    data = set_up(folders)
    state = data.state_dict()
    data.load_state_dict(state)
    with pytest.raises(InputError, match="has other symbols or classes than those that the network was trained with"):
        set_up(folders, encoding=Encoding(ngrams=2)).load_state_dict(state)
    with pytest.raises(InputError, match="the documents have changed since this run stopped"):
        data.load_state_dict(state | {"files": "other", "content": None})  # of a release that had no other digest
    fewer = set_up(folders, val_size=4)
    fewer._encoder = data.encoder
    with pytest.raises(InputError, match="20 training documents then, 16 now"):
        fewer.load_state_dict(state)


def test_another_test_file_is_no_change_of_training(columns: Path) -> None:
    data = set_up(columns, train_file="dev.txt", test_file="test.txt")
    state = data.state_dict()
    with open(columns / "test.txt", "a") as file:
        file.write((columns / "test.txt").read_text().splitlines()[0] + "\n")
    other = set_up(columns, train_file="dev.txt", test_file="test.txt")
    assert other.files_digest != data.files_digest
    other.load_state_dict(state)
    other.trainer.state.fn = "test"
    other.load_state_dict(state)
    assert other.changed is None


def test_files_may_be_elsewhere_than_the_folder_of_the_data(columns: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = (columns / "dev.txt").rename(tmp_path / "elsewhere" / "dev.txt")
    given = {"train_file": str(moved), "test_file": "test.txt"}
    assert texts(set_up(columns, **given), "train") == texts(set_up(columns, **given), "train")


def test_buckets_of_other_symbols_are_other_symbols(folders: Path, tmp_path: Path) -> None:
    run = set_up(folders, encoding=Encoding(buckets=50, ngrams=2))
    run.save_beside(tmp_path)
    set_up(folders, encoding=Encoding(buckets=50, ngrams=2, max_length=3)).check_weights(tmp_path)
    for settings in ({"ngrams": 3}, {"lowercase": False, "ngrams": 2}, {"tokenizer": "char", "ngrams": 2}):
        with pytest.raises(InputError, match="was trained with other symbols than those of"):
            set_up(folders, encoding=Encoding(buckets=50, **settings)).check_weights(tmp_path)


def test_some_test_documents_are_kept_to_be_shown(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.text.numbering.EXAMPLES", 3)
    data = set_up(folders)
    assert sorted(data.examples) == [0, 2, 5]
    assert data.examples[5] == "good fine great testword number2"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bucket": 0}, "data.bucket is 0: at least 1"),
        ({"val_size": -1}, "data.val_size is -1: at least 0"),
        ({"label_column": "stars"}, "data.label_column is stars: without data.text_column it is 0 or 1"),
        ({"text_column": "review"}, "data.text_column: files with a header need"),
        ({"test_file": "test.txt"}, "data.train_file: name it, too"),
        (
            {"dataset": "imdb", "train_file": "x.csv"},
            "data.train_file: imdb has files of its own; add --data.dataset files",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_errors(tmp_path: Path, settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        make(tmp_path, **settings)


def test_a_file_of_the_current_folder_is_said_to_be_there(
    columns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(columns)
    with pytest.raises(InputError, match=r"no such file; .* \(dev.txt is here: add --data.data_dir \.\)$"):
        set_up(tmp_path / "elsewhere", train_file="dev.txt")
    with pytest.raises(InputError, match=r"none\.txt: no such file; .*; --data\.test_file null does without$"):
        set_up(columns, train_file="dev.txt", test_file="none.txt")


def test_what_is_wrong_with_the_files_is_said(folders: Path, columns: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder train in it"):
        set_up(tmp_path / "titles")
    with pytest.raises(InputError, match=r"none.txt: no such file"):
        set_up(columns, train_file="none.txt")
    with pytest.raises(InputError, match=r"data.batch_size is 50: larger than the 20 training documents"):
        set_up(folders, batch_size=50)
    with pytest.raises(InputError, match=r"data.val_size is 19: too large for 20 training documents"):
        set_up(folders, val_size=19)
    with pytest.raises(InputError, match=r"data.val_size is 2: the data set has validation documents already"):
        set_up(columns, train_file="dev.txt", val_file="test.txt", val_size=2)
    (columns / "one.txt").write_text("text a\t0\ntext b\t0\n")
    with pytest.raises(InputError, match="all training documents have the label finance; at least two are needed"):
        set_up(columns, train_file="one.txt", label_column="1")
    (folders / "test" / "odd").mkdir()
    (folders / "test" / "odd" / "0.txt").write_text("odd")
    with pytest.raises(InputError, match=r"0.txt: label 'odd' is not among those of training: neg, pos"):
        set_up(folders)


def archive(path: Path, *, evil: bool = False) -> None:
    """Packs reviews as the data set's own archive does."""
    with tarfile.open(path, "w:gz") as tar:
        names = [f"aclImdb/{part}/{name}/{i}_1.txt" for part in ("train", "test") for name in WORDS for i in range(3)]
        for name in [*names, "aclImdb/train/unsup/0_0.txt", *(["../escaped.txt"] if evil else [])]:
            content = b"some review"
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("evil", [False, True])
def test_the_movie_reviews_are_downloaded_and_stay_in_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: bool
) -> None:
    (tmp_path / "served").mkdir()
    archive(tmp_path / "served" / "aclImdb_v1.tar.gz", evil=evil)
    monkeypatch.setattr("datamodules.text.movie_reviews.MD5", None)
    with serving(Files, tmp_path / "served") as address:
        monkeypatch.setattr("datamodules.text.movie_reviews.URL", f"{address}aclImdb_v1.tar.gz")
        data = make(tmp_path / "data", dataset="imdb")
        if evil:
            with pytest.raises(InputError, match="the download failed"):
                data.setup("fit")
            assert not (tmp_path / "escaped.txt").exists()
            return
        data.setup("fit")
    assert data.sizes == {"train": 6, "val": 0, "test": 6}
    assert data.class_names == ("neg", "pos"), "without those that nobody has labelled"
    assert set_up(tmp_path / "data", dataset="imdb").sizes == data.sizes
    assert set_up(tmp_path / "data" / "aclImdb", dataset="imdb").sizes == data.sizes


def test_a_download_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as address:
        monkeypatch.setattr("datamodules.text.movie_reviews.URL", f"{address}aclImdb_v1.tar.gz")
        with pytest.raises(InputError, match=r"holds no aclImdb.*put the Large Movie Review Dataset there"):
            set_up(tmp_path / "data", dataset="imdb")
    assert not (tmp_path / "data").exists()


def test_made_up_documents_need_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datamodules.text_classification, "SYNTHETIC", {"train": 60, "test": 20})
    data = set_up(tmp_path, source="synthetic", val_size=2500)
    assert data.sizes == {"train": 54, "val": 6, "test": 20}
    assert data.num_classes == 4
    assert data.origin == "synthetic documents"
    assert list(tmp_path.iterdir()) == []


def test_predictions_come_by_length_to_one_who_puts_them_in_order_alone(folders: Path) -> None:
    (folders / "test" / "neg" / "0_1.txt").write_text("bad dull poor and much longer than all others")
    data = set_up(folders, eval_batch_size=4)
    data.trainer.callbacks, data.trainer.limit_predict_batches = [], 1.0
    expected = data.splits["test"].lengths.argsort(stable=True).tolist()
    assert expected[-1] == 0

    def order() -> tuple[list[int], torch.Tensor | None]:
        read = torch.cat([batch.index for batch in data.predict_dataloader()])
        return read.tolist(), data.predicted_order()

    assert order() == (list(range(6)), None), "a user of `Trainer.predict` gets the batches as they are"
    data.any_order = True
    read, places = order()
    assert read == places.tolist() == expected
    data.trainer.limit_predict_batches = 1
    assert order() == (list(range(6)), None), "a limit means the first documents"
    data.trainer.limit_predict_batches, data.trainer.callbacks = 1.0, [BasePredictionWriter()]
    assert order() == (list(range(6)), None), "what is written by another is in order"


def test_batches_are_of_about_one_length_and_predictions_in_order(folders: Path) -> None:
    data = set_up(folders, eval_batch_size=4)
    assert len(list(data.train_dataloader())) == 5
    assert torch.cat([batch.index for batch in data.predict_dataloader()]).tolist() == list(range(6))
    assert data.prediction_names()[0] == "test[0]"
    assert sorted(torch.cat([batch.index for batch in data.test_dataloader()]).tolist()) == list(range(6))
    assert data.val_dataloader() == []
    counts = data.document_counts()
    assert counts.shape == (data.vocab_size, 2)
    assert counts[data.encoder.vocabulary.ids(["good"])[0]].tolist() == [0, 10]


def train(folder: Path, plug: int | None = None, resume: bool = False) -> dict[str, Any]:
    """Trains three epochs, saving at every second step, and returns the last checkpoint."""
    folder.mkdir(exist_ok=True)
    callbacks = [RunCheckpoint(every_n_train_steps=2), *([PullPlug(plug)] if plug else [])]
    run = RunFolder(folder)
    trainer = tiny_trainer(folder, run_folder=run, logger=False, callbacks=callbacks, seed=3, max_epochs=3)
    last = folder / "checkpoints" / "last.ckpt"
    data = TinyDocuments()
    torch.manual_seed(0)
    segments = {"pooling": "mean_max", "segment": 3, "segment_dropout": 0.5}
    model = TextRNN(4, data.vocab_size, embedding=6, hidden=5, dropout=0.2, embedding_dropout=0.2, **segments)
    torch.rand(5 if resume else 2)  # where torch's own stream stands must not matter
    if plug:
        with pytest.raises(PulledPlug):
            trainer.fit(model, data)
    else:
        trainer.fit(model, data, ckpt_path=last if resume else None)
    return load_checkpoint(last)


@pytest.mark.parametrize("plug", [5, 14, 21])
def test_a_run_that_goes_on_meets_the_rest_of_the_documents_and_ends_with_the_same_bits(
    tmp_path: Path, plug: int
) -> None:
    whole = train(tmp_path / "whole")
    assert whole["global_step"] == 30
    train(tmp_path / "cut", plug)
    resumed = train(tmp_path / "cut", resume=True)
    for content in (whole, resumed):
        del content["loops"]  # counts what was begun, too
    assert_same_bits(resumed, whole)


# What is nearly right, and what is left out


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_validation_texts_are_read_whatever_their_folder_is_called(folders: Path, name: str) -> None:
    (folders / "test").rename(folders / name)
    assert set_up(folders).sizes == {"train": 20, "val": 6, "test": 0}


def test_capital_letters_are_read_and_what_is_not_is_said_at_every_reading(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pos = folders / "train" / "pos"
    (pos / "0_1.txt").rename(pos / "0_1.TXT")
    (pos / "more").mkdir()
    (pos / "notes.md").write_text("no text")
    (folders / "train" / "list.csv").write_text("no class")
    for _ in range(2):  # numbered, and from the cache
        assert set_up(folders).sizes["train"] == 20
        assert sorted(capsys.readouterr().out.splitlines()) == [
            f"skipped  files beside the class folders in {folders}: 1 (train/list.csv)",
            f"skipped  files that are not .txt in {folders}: 1 (train/pos/notes.md)",
            f"skipped  folders within a class in {folders}: 1 (train/pos/more)",
        ]
    (pos / "0_1.TXT").write_text("changed")
    assert "changed" in texts(set_up(folders), "train")


def test_the_notes_of_a_table_are_said_at_every_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["sentence\tlabel", "", *(f"text {n}\t{'pos' if n % 2 else 'neg'}" for n in range(9)), "lost\t"]
    (tmp_path / "train.tsv").write_text("\n".join(lines) + "\n")
    for _ in range(2):
        data = set_up(tmp_path, train_file="train.tsv")
        assert (data.sizes["train"], data.class_names) == (9, ("neg", "pos"))
        assert capsys.readouterr().out.splitlines() == [
            f"skipped  blank lines in {tmp_path / 'train.tsv'}: 1 (line 2)",
            f"note     {tmp_path / 'train.tsv'}: line 1 is taken for a header: sentence, label",
            f"skipped  lines without a label in {tmp_path / 'train.tsv'}: 1 (line 12)",
        ]


def test_the_digest_of_a_run_of_an_earlier_release_is_still_that_of_its_files(folders: Path) -> None:
    (folders / "train" / "pos" / "._1.txt").write_bytes(b"\x00")
    paths = sorted(path for part in ("train", "test") for path in (folders / part).glob("*/*.txt"))
    assert set_up(folders).files_digest == fingerprint(paths, folders, times=False)[:16]
