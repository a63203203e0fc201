"""Pairs of sentences: parts, vocabularies, what is left out or cut, and the named data set's download."""

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.errors import InputError
from datamodules import TranslationDataModule
from datamodules.pairs import multi30k
from datamodules.pairs.pieces import PairEncoding
from datamodules.pairs.synthetic import synthetic_pairs
from datamodules.text.vocabulary import to_bytes

CHARACTERS = PairEncoding("char", None, joint=False)


def letters(**settings: Any) -> TranslationDataModule:
    """Returns twenty words and their letters sorted, of which one stands three times."""
    words = ["cab", "bad", "fed", "bad", "egg", "bad", *(f"{a}{b}" for a in "edcba" for b in "fg")]
    Path("source.txt").write_text("\n".join(words) + "\n")
    Path("target.txt").write_text("\n".join("".join(sorted(word)) for word in words) + "\n")
    settings = {"batch_size": 4, "encoding": CHARACTERS, "train_files": ["source.txt", "target.txt"]} | settings
    return TranslationDataModule(".", **settings)


def loaded(data: TranslationDataModule) -> TranslationDataModule:
    """Returns data that is read."""
    data.prepare_data()
    return data


def test_the_first_pairs_are_set_aside_and_known_ones_are_marked() -> None:
    data = loaded(letters(val_size=3, test_size=2, split="first"))
    assert data.sizes == {"train": 11, "val": 3, "test": 2}
    assert data.sentences("val") == ["cab", "bad", "fed"]
    assert data.references("test") == ["abd", "egg"]
    assert data.splits["val"].seen.tolist() == [False, True, False]


@pytest.mark.parametrize(("pairs", "goes_on"), [(10, False), (12, True)])
def test_a_run_of_an_earlier_release_goes_on_if_it_had_the_same_batches(pairs: int, goes_on: bool) -> None:
    """Its last batch was incomplete; the run would go on in silence with another order and another length."""
    data = loaded(letters(val_size=16 - pairs, split="first"))
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, state=SimpleNamespace(fn="fit"))
    state = {"batch": 0, "vocabulary": to_bytes(data.vocabulary_content())} | data.facts()
    data.load_state_dict(state)
    del state["batches"]
    if goes_on:
        data.load_state_dict(state)
    else:
        with pytest.raises(InputError, match="an epoch has 2 batches now, and in this run it had 3; a run goes on"):
            data.load_state_dict(state)
    assert "batches" not in letters(batch_tokens=9).facts()


def test_all_translations_of_a_sentence_are_drawn_into_one_part() -> None:
    for seed in range(5):
        data = loaded(letters(val_size=4, test_size=4, split_seed=seed))
        assert sum(data.sizes.values()) == 16
        assert data.sizes["val"] >= 4
        assert not data.splits["val"].seen.any()
        assert not data.splits["test"].seen.any()
    again = loaded(letters(val_size=4, test_size=4, split_seed=4))
    assert again.sentences("val") == data.sentences("val")


def test_each_language_can_have_a_vocabulary_of_its_own() -> None:
    Path("pairs.tsv").write_text("ab\txyz\nba\tyxz\n")
    for swap, sizes in ((False, (6, 7)), (True, (7, 6))):
        data = TranslationDataModule(".", train_files=["pairs.tsv"], encoding=CHARACTERS, swap=swap)
        assert (data.source_vocab_size, data.vocab_size) == sizes
    joint = TranslationDataModule(".", train_files=["pairs.tsv"], encoding=PairEncoding("char", None))
    assert joint.source_vocab_size == joint.vocab_size == 9


def test_an_encoding_beside_a_vocabulary_is_the_runs_or_an_error(tmp_path: Path) -> None:
    def pairs(**settings: Any) -> TranslationDataModule:
        return TranslationDataModule(source="synthetic", **settings)

    given, default = PairEncoding("char", None, joint=False), PairEncoding()
    for backwards in (True, False):
        folder = tmp_path / str(backwards)
        folder.mkdir()
        first = pairs(encoding=given, reverse_source=backwards)
        first.load_once()
        first.save_beside(folder)
        for encoding, asked in ((given, backwards), (default, False)):
            again = pairs(encoding=encoding, reverse_source=asked, vocabulary=str(folder))
            assert (again.encoder.encoding, again.encoder.reverse_source) == (given, backwards)
    with pytest.raises(InputError, match=r"data.reverse_source is true: --data.vocabulary .* has false; give that, or"):
        pairs(reverse_source=True, vocabulary=str(folder))
    with pytest.raises(InputError, match=r"data.encoding.size is 90: --data.vocabulary .* has null; give that, or"):
        pairs(encoding=PairEncoding("char", 90), vocabulary=str(folder))


def test_longer_pairs_are_left_out_of_training_and_cut_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    Path("val.tsv").write_text("abcdef\tabcdef\na\ta\n")
    data = loaded(letters(max_length=3, val_files=["val.tsv"]))
    said = capsys.readouterr().out
    assert "6 of 16 training pairs are left out: longer than 3 symbols, data.max_length" in said
    assert "1 of 2 val pairs are cut: longer than 3 symbols" in said
    assert data.sizes == {"train": 10, "val": 2, "test": 0}
    batch = data.batch_of("val", torch.tensor([0]))
    assert data.pieces_of(batch.sources[0], batch.targets[0]) == (["a", "b", "c"], ["a", "b"])
    assert data.references("val")[0] == "abcdef", "scores are of whole translations"
    with pytest.raises(InputError, match="all pairs are longer"):
        loaded(letters(max_length=1))


def test_synthetic_pairs_are_made_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.translation.SYNTHETIC", {"train": 50, "val": 10, "test": 5})
    data = loaded(TranslationDataModule(source="synthetic", encoding=PairEncoding("word", None), val_size=3))
    assert data.sizes == {"train": 50, "val": 10, "test": 5}
    words = synthetic_pairs(300, seed=1)
    by_source = dict(zip(words.sources, words.targets, strict=True))
    assert all(by_source[source] == target for source, target in zip(words.sources, words.targets, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_files": None}, r"data\.train_files: name the files"),
        ({"train_files": ["a", "b", "c"]}, r"data\.train_files: 3 files"),
        ({"val_files": ["source.txt"], "val_size": 2}, r"data\.val_size: there are val pairs already"),
        ({"dataset": "multi30k"}, r"data\.train_files: multi30k has files of its own; add --data\.dataset files"),
        ({"val_size": 16}, r"data\.val_size: too large for 16 pairs"),
        ({"batch_tokens": 0}, r"data\.batch_tokens is 0: at least 1"),
        ({"vocabulary": "absent.json"}, r"--data\.vocabulary absent\.json: cannot be read"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        loaded(letters(**settings))


def captions(folder: Path, languages: tuple[str, ...] = ("de", "en")) -> None:
    """Writes a data set with the names of Multi30k's files."""
    folder.mkdir(parents=True)
    for part, n in (("train", 30), ("val", 4), ("test_2016_flickr", 5)):
        for language in languages:
            text = "".join(f"{language} {part} {place}\n" for place in range(n))
            (folder / f"{part}.{language}.gz").write_bytes(gzip.compress(text.encode()))


@pytest.mark.parametrize("folder", ["data", "data/multi30k"])
def test_the_named_data_set_is_read_in_either_direction(folder: str) -> None:
    captions(Path(folder))
    settings = {"dataset": "multi30k", "encoding": PairEncoding("word", None)}
    data = loaded(TranslationDataModule("data", source_language="en", target_language="de", **settings))
    assert data.sizes == {"train": 30, "val": 4, "test": 5}
    assert data.name == "Multi30k en-de"
    assert (data.sentences("test")[0], data.references("test")[0]) == (
        "en test_2016_flickr 0",
        "de test_2016_flickr 0",
    )
    with pytest.raises(InputError, match="are both en"):
        loaded(TranslationDataModule("data", source_language="en", target_language="en", **settings))


def test_absent_files_of_the_named_data_set_are_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def download(files: list, folder: Path, request: Any) -> None:
        asked.extend((file.name, file.urls[0], file.md5) for file in files)
        captions(folder)

    monkeypatch.setattr(multi30k, "download_files", download)
    data = loaded(TranslationDataModule("data", dataset="multi30k", encoding=PairEncoding("word", None)))
    assert data.sizes["train"] == 30
    assert len(asked) == 6
    assert asked[0] == ("train.de.gz", f"{multi30k.URL}train.de.gz", multi30k.MD5["train.de.gz"])


def test_only_batches_of_so_many_pairs_are_to_be_divided_equally() -> None:
    data = letters(batch_size=4, batch_tokens=50)
    data.trainer = SimpleNamespace(world_size=3)
    data.check_shares()
    data.batch_tokens = None
    with pytest.raises(InputError, match="cannot be divided equally among 3 devices"):
        data.check_shares()


def test_inputs_are_encoded_and_named() -> None:
    data = letters(max_length=4)
    loaded(data)
    data.inputs = ["bad", "abcdefg"]
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, strategy=strategy)
    (batch,) = data.predict_dataloader()
    assert data.prediction_names() == ["bad", "abcdefg"]
    assert batch.source_lengths.tolist() == [3, 4]
    assert any("1 of 2 sentences are cut" in note for note in data.notes_on_inputs())
    table = data.prediction_table(["bad", "abcdefg"], batch.sources)
    assert table.header == ("text", "translation")


def test_blanks_around_an_input_are_none_of_its_symbols() -> None:
    data = letters()
    loaded(data)
    data.inputs = ["bad", " bad  "]
    alone, within = (data.read_inputs().batch(torch.tensor([place])) for place in range(2))
    assert alone.sources.tolist() == within.sources.tolist()
    assert data.prediction_names() == ["bad", " bad  "]


@pytest.mark.parametrize(("swap", "expected"), [(False, ["bad", "fee"]), (True, ["BAD", "FEE"])])
def test_of_a_table_to_translate_the_column_of_sentences_is_read(swap: bool, expected: list[str]) -> None:
    Path("new.tsv").write_text("bad\tBAD\nfee\tFEE\n")
    data = letters(swap=swap)
    data.inputs = ["new.tsv"]
    assert data.prediction_names() == expected
