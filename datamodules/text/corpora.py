"""Texts for download, one file each."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.files.atomic_files import locked, write_atomically
from core.files.download import RemoteFile, Request, download_files


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


TEXT8_MD5 = "3bea1919949baf155f99411df5fada7e"
TEXT8_BYTES = 100_000_000
TEXT8_URLS = ["https://mattmahoney.net/dc/text8.zip", "https://data.deepai.org/text8.zip"]


def text8(data_dir: Path) -> Path:
    """Returns the path of text8, the first 100 million characters of a cleaned Wikipedia, downloaded if absent.

    Args:
        data_dir: Folder of the file `text8`, or of `text8.zip`.

    Raises:
        InputError: The download failed, or the archive is not the original one.
    """
    path, archive = data_dir / "text8", data_dir / "text8.zip"
    if path.is_file():
        return path
    request = Request(data_dir, "no text8", "text8", "sentences")
    is_ours = download_files([RemoteFile(archive.name, TEXT8_URLS)], data_dir, request, path.is_file)
    with locked(data_dir):  # another process may do the same, and remove the archive
        if not path.is_file():
            _unpack_text8(archive, path)
        if is_ours:
            archive.unlink(missing_ok=True)
    return path


def _unpack_text8(archive: Path, path: Path) -> None:
    """Writes the text that an archive holds.

    Raises:
        InputError: It is not the original archive.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            size = file.getinfo("text8").file_size  # more than which is not unpacked
            content = file.read("text8") if size <= TEXT8_BYTES else b""
    except Exception as error:  # of a damaged, encrypted or oddly compressed one: there are many kinds
        raise InputError(f"{archive}: no archive of text8 ({error}); delete it and it will be downloaded") from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != TEXT8_MD5:
        raise InputError(f"{archive}: holds another text than text8; delete it and it will be downloaded")
    write_atomically(path, content)
