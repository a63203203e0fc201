"""A vocabulary numbers symbols the same way every time, and comes back from disk and checkpoints as it was."""

import re
from pathlib import Path

import pytest
import torch

from core.errors import InputError
from datamodules.text.special_symbols import DOCUMENT_SYMBOLS, SPECIAL_SYMBOLS, UNKNOWN
from datamodules.text.vocabulary import Vocabulary, from_bytes, read_saved, shown_symbol, to_bytes, write_saved
from engine.runs.checkpoint_io import load_checkpoint

STRANGE = ["\n", "\t", " ", "é", "😀", "\u2028", '"', "\\", "\x00"]


def test_symbols_are_numbered_by_frequency_and_then_by_name() -> None:
    vocabulary = Vocabulary.of_documents({"b": 2, "a": 2, "c": 5, "d": 1}, min_count=2)
    assert vocabulary.symbols == (*DOCUMENT_SYMBOLS, "c", "a", "b")
    assert vocabulary.ids(["a", "c", "d"]) == [3, 2, UNKNOWN]


@pytest.mark.parametrize(("max_size", "size"), [(None, 6), (4, 4), (2, 2)])
def test_a_largest_size_counts_padding_and_unknown(max_size: int | None, size: int) -> None:
    assert len(Vocabulary.of_documents({"a": 4, "b": 3, "c": 2, "d": 1}, max_size=max_size)) == size


def test_symbols_that_stand_for_no_text_are_shown_by_name() -> None:
    assert [shown_symbol(one) for one in SPECIAL_SYMBOLS] == ["<padding>", "<unknown>", "<begin>", "<end>"]
    assert [shown_symbol(one) for one in STRANGE] == STRANGE


def test_a_text_cannot_name_the_special_symbols() -> None:
    vocabulary = Vocabulary.of_documents({"<pad>": 1, "<unk>": 1})
    assert vocabulary.ids(["<pad>", "<unk>"]) == [2, 3]


def test_without_an_unknown_symbol_each_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match=r"'x' 'y': not among the 2 characters that the network was trained with"):
        Vocabulary(["a", "b"]).ids("axyx")
    with pytest.raises(InputError, match=r"and 16 more"):
        Vocabulary(["?"]).ids("abcdefghijklmnopqrstuvwxyz")


def test_all_symbols_come_back_from_a_file_a_run_and_a_checkpoint(tmp_path: Path) -> None:
    vocabulary = Vocabulary(STRANGE)
    write_saved(tmp_path / "vocabulary.json", {"symbols": vocabulary.symbols})
    for path in (tmp_path / "vocabulary.json", tmp_path):
        assert Vocabulary.load(path) == vocabulary
    torch.save({"state_dict": {}, "vocabulary": to_bytes({"symbols": vocabulary.symbols})}, tmp_path / "run.ckpt")
    assert from_bytes(load_checkpoint(tmp_path / "run.ckpt")["vocabulary"]) == {"symbols": list(STRANGE)}
    assert Vocabulary(STRANGE[::-1]) != vocabulary


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"{", "no vocabulary"),
        (b"\xff", "no vocabulary"),
        (b"[]", "no vocabulary (it lists no symbols)"),
        (b'{"symbols": [1]}', "no vocabulary (it lists no symbols)"),
        (b'{"symbols": ["a", "b", "a"]}', "no vocabulary (it lists a symbol twice)"),
        (b'{"symbols": ["\\ud800"]}', "no vocabulary (it lists half a surrogate pair)"),
    ],
)
def test_a_file_that_holds_none_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "vocabulary.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"--data.vocabulary {path}: ") + ".*" + re.escape(said)):
        read_saved(path)


def test_a_pipe_and_a_device_are_no_vocabulary(pipe: Path) -> None:
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(InputError, match=f"{path}: a pipe or a device, not a file"):
            Vocabulary.load(path)
