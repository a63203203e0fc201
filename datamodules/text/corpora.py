"""Texts for download, one file each."""

from dataclasses import dataclass
from pathlib import Path

from core.download import RemoteFile, Request, download_files


@dataclass(frozen=True)
class Corpus:
    """Facts of a text that can be downloaded.

    Attributes:
        name: Name of the text.
        file: Name of its file in the data folder.
        url: Address of the download.
        md5: Checksum; None if unknown.
    """

    name: str
    file: str
    url: str
    md5: str | None = None


CORPORA = {
    "anna": Corpus(
        "Anna Karenina",
        "anna.txt",
        "https://raw.githubusercontent.com/udacity/deep-learning/master/intro-to-rnns/anna.txt",
        "66af58357c81207ddfba09600dbac1a6",
    ),
    "shakespeare": Corpus(
        "Tiny Shakespeare",
        "shakespeare.txt",
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    ),
}


def corpus_file(corpus: Corpus, data_dir: Path) -> Path:
    """Returns the path of a corpus's file, which is downloaded if absent.

    Args:
        corpus: The corpus.
        data_dir: Folder of the file.

    Raises:
        InputError: The download failed.
    """
    path = data_dir / corpus.file
    if not path.is_file():
        request = Request(data_dir, f"no {path.name}", corpus.name, "sentences")
        download_files([RemoteFile(path.name, [corpus.url], corpus.md5)], data_dir, request)
    return path
