"""Texts that can be downloaded, one file each."""

from dataclasses import dataclass
from pathlib import Path

from core.download import RemoteFile, Request, download_files


@dataclass(frozen=True)
class Corpus:
    """Facts of a text that can be downloaded.

    Attributes:
        name: What it is.
        file: Its name under the data folder.
        url: Where it is.
        md5: Checksum, where it is known.
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
    """Returns the file of a corpus, downloaded if it is not there.

    Args:
        corpus: Which one.
        data_dir: Its folder.

    Raises:
        InputError: The download failed.
    """
    path = data_dir / corpus.file
    if not path.is_file():
        request = Request(data_dir, f"no {path.name}", corpus.name, "sentences")
        download_files([RemoteFile(path.name, [corpus.url], corpus.md5)], data_dir, request)
    return path
