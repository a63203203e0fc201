"""Word vectors are written as word2vec's own program and gensim read them, and read in the forms that people have."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import InputError
from datamodules.words.vector_files import as_binary, as_table, as_text, is_vector_file, read_vectors

WORDS = ["the", "naïve", "new york", "北京"]
IN_FILES = ["the", "naïve", "new_york", "北京"]
VECTORS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("name", "form"), [("v.txt", as_text), ("v.bin", as_binary)])
def test_what_is_written_is_read_again(write: Callable[..., Path], name: str, form: Callable) -> None:
    path = write(name, form(WORDS, VECTORS))
    words, vectors = read_vectors(path)
    assert words == IN_FILES
    assert torch.equal(vectors, VECTORS)
    words, vectors = read_vectors(path, wanted=["北京", "absent", "the"])
    assert words == ["the", "北京"]
    assert torch.equal(vectors, VECTORS[[0, 3]])
    packed = path.with_name(f"{name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert torch.equal(read_vectors(packed).vectors, VECTORS)


@pytest.mark.parametrize(("name", "form", "binary"), [("v.txt", as_text, False), ("v.bin", as_binary, True)])
def test_gensim_reads_them(write: Callable[..., Path], name: str, form: Callable, binary: bool) -> None:
    models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    read = models.KeyedVectors.load_word2vec_format(str(write(name, form(WORDS, VECTORS))), binary=binary)
    assert read.index_to_key == IN_FILES
    assert torch.equal(torch.from_numpy(read.vectors), VECTORS)


def test_files_without_a_head_are_read(write: Callable[..., Path]) -> None:
    words, vectors = read_vectors(write("glove.txt", "the 1 2\nof 3 4.5 \n"))
    assert words == ["the", "of"]
    assert vectors.tolist() == [[1, 2], [3, 4.5]]


def test_binary_files_need_no_line_ends(write: Callable[..., Path]) -> None:
    content = as_binary(["a", "b"], VECTORS[:2]).replace(b"\n", b"")
    words, vectors = read_vectors(write("v.bin", content[:3] + b"\n" + content[3:]))
    assert words == ["a", "b"]
    assert torch.equal(vectors, VECTORS[:2])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("v.txt", "3 2\na 1 2\nb 3 4\n", "3 words are announced, and 2 lines follow"),
        ("v.txt", "2 2\na 1 2\nb 3\n", "vector 2 has not 2 numbers behind a word"),
        ("v.txt", "1 2\na 1 x\n", "could not convert"),
        ("v.txt", "1 2\na 1 nan\n", "some numbers are not finite"),
        ("v.bin", b"2 3\na " + bytes(12), "not found"),
        ("v.bin", b"1 3\na " + bytes(11), "it ends within a vector"),
        ("v.bin", b"\x80\x02}", "the first line has not two numbers"),
    ],
)
def test_other_files_are_named(write: Callable[..., Path], name: str, content: str | bytes, reason: str) -> None:
    path = write(name, content)
    with pytest.raises(InputError, match=reason) as error:
        read_vectors(path)
    assert f"{path}: no file of word vectors" in str(error.value)


def test_weights_of_torch_are_no_vectors(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for protocol in (True, False):
        path = tmp_path / f"{protocol}.bin"
        torch.save({"a": VECTORS}, path, _use_new_zipfile_serialization=protocol)
        assert not is_vector_file(path)
        assert not is_vector_file(Path("~") / path.name)
    assert is_vector_file(write("v.bin", as_binary(WORDS, VECTORS)))
    assert is_vector_file(Path("absent.bin"))


def test_a_table_of_vectors_has_these_forms() -> None:
    table = as_table(WORDS, VECTORS)
    assert table.forms[".vec"]() == table.forms[".txt"]() == as_text(WORDS, VECTORS)
    assert table.forms[".bin"]() == as_binary(WORDS, VECTORS)
    assert [row[0] for row in table.rows] == WORDS
