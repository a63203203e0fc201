"""The files of a text that is read as words, and a cache of its numbers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from torch import Tensor

from core.errors import InputError
from datamodules.base.cache import cached, fingerprint
from datamodules.text.corpora import text8
from datamodules.text.documents import Documents
from datamodules.text.encoder import Encoder, Encoding
from datamodules.text.movie_reviews import CLASSES, movie_reviews
from datamodules.text.text_files import ENDINGS, read_text
from datamodules.text.vocabulary import from_bytes, to_bytes
from datamodules.words.counts import CountedWords, count_words

Corpus = Literal["text8", "imdb", "imdb_train"]

NAMES: dict[str, str] = {
    "text8": "text8",
    "imdb": "the Large Movie Review Dataset",
    "imdb_train": "the training part of the Large Movie Review Dataset",
}
# Of an encoding, what words have no use for, each with its default.
UNUSED = {"ngrams": 1, "unique": False, "buckets": 0, "max_length": None, "keep": "head", "whole": False}


@dataclass(frozen=True)
class WordFiles:
    """Where a text lies, and how it is split into words.

    Attributes:
        data_dir: Folder of the named corpora, and of the cache.
        corpus: Which named corpus, if neither file nor folder is given.
        file: A text file.
        folder: A folder of text files.
        documents: Whether a document is a line or a file.
        encoding: How texts are split into words, and which are in the vocabulary.

    Raises:
        InputError: File and folder are both given, or the encoding has settings that words have not.
    """

    data_dir: Path
    corpus: Corpus
    file: Path | None
    folder: Path | None
    documents: Literal["lines", "files"]
    encoding: Encoding

    def __post_init__(self) -> None:
        if self.file is not None and self.folder is not None:
            raise InputError("data.file and data.folder: name one of the two")
        for name, value in UNUSED.items():
            if getattr(self.encoding, name) != value:
                given = f"data.encoding.{name} is {getattr(self.encoding, name)}"
                raise InputError(f"{given}: a text of words has none; leave it out")
        if self.encoding.tokenizer == "subword":
            raise InputError("data.encoding.tokenizer is subword: a text of words takes word, letters, char or jieba")

    @property
    def given(self) -> Path | None:
        """The file or the folder."""
        return self.file or self.folder

    @property
    def name(self) -> str:
        """Name of the text."""
        return NAMES[self.corpus] if self.given is None else self.given.resolve().name

    def paths(self) -> tuple[Path, list[Path]]:
        """Returns a folder and the files of the text in it; a named corpus is downloaded if absent.

        Raises:
            InputError: There is no such file or folder, or the download failed.
        """
        if self.file is not None:
            if not self.file.is_file():
                raise InputError(f"--data.file {self.file}: no such file")
            return self.file.parent, [self.file]
        if self.folder is not None:
            return self.folder, _text_files(self.folder)
        if self.corpus == "text8":
            path = text8(self.data_dir)
            return path.parent, [path]
        folder = movie_reviews(self.data_dir)
        parts = ("train",) if self.corpus == "imdb_train" else ("train", "test")
        files = [path for part in parts for name in CLASSES for path in (folder / part / name).glob("*.txt")]
        return folder, sorted(files)

    def count(self, words: tuple[str, ...] | None = None, combining_marks: bool = True) -> CountedWords:
        """Returns the text as numbers, from the cache if it is there.

        Args:
            words: The vocabulary, if it is given.
            combining_marks: Whether words go on over combining marks.

        Raises:
            InputError: The text is missing, or cannot be read.
        """
        folder, paths = self.paths()
        own = "" if words is None else sha256("\n".join(words).encode()).hexdigest()
        key = f"{fingerprint(paths, folder)} {self.documents} {self.encoding} {own} marks {combining_marks}"

        def read() -> dict[str, Tensor]:
            encoding, encoder = self.encoding, Encoder(self.encoding)
            encoder.combining_marks = combining_marks
            texts = read_documents(paths, self.documents)
            counted = count_words(texts, encoder.tokens, encoding.min_count, encoding.max_size, words)
            facts = to_bytes(
                {"words": counted.words, "total": counted.total, "marks": combining_marks and counted.combining_marks}
            )
            documents = counted.documents
            return {
                "tokens": documents.tokens,
                "starts": documents.starts,
                "counts": counted.counts,
                "facts": facts,
            }

        tensors = cached(self.data_dir / "words.cache.safetensors", key, read)
        facts = from_bytes(tensors["facts"])
        documents = Documents(tensors["tokens"], tensors["starts"])
        return CountedWords(tuple(facts["words"]), tensors["counts"], documents, facts["total"], facts["marks"])


def _text_files(folder: Path) -> list[Path]:
    """Returns the text files in a folder and in all folders within it.

    Raises:
        InputError: There is no such folder, or no text file in it.
    """
    if not folder.is_dir():
        raise InputError(f"--data.folder {folder}: no such folder")
    everything = ((path, path.relative_to(folder).parts) for path in folder.rglob("*"))
    visible = (path for path, parts in everything if not any(part.startswith(".") for part in parts))
    paths = sorted(path for path in visible if path.name.lower().endswith(ENDINGS) and path.is_file())
    if not paths:
        raise InputError(f"--data.folder {folder}: no files {' or '.join(ENDINGS)} in it")
    return paths


def read_documents(paths: Iterable[Path], by: Literal["lines", "files"]) -> Iterator[str]:
    """Yields the documents of files: each line, blank ones too, or each file."""
    for path in paths:
        text = read_text(path, may_be_empty=True)
        if by == "files":
            yield text
        else:
            yield from text.split("\n")
