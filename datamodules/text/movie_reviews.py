"""The Large Movie Review Dataset: 50,000 reviews from IMDB, good or bad (Maas et al., 2011), as they are downloaded."""

import os
import tarfile
import tempfile
import zlib
from pathlib import Path

from torchvision.datasets.utils import download_url

from core.download import answering, download

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
CLASSES = ("neg", "pos")  # without the reviews that nobody has labelled


def movie_reviews(data_dir: Path, name: str, stand_in: str) -> Path:
    """Returns the folder of the reviews, downloaded if it is not there.

    Args:
        data_dir: That folder, or the one around it.
        name: Name of the data set, for a message.
        stand_in: What the synthetic source makes instead, for a message.

    Raises:
        InputError: The download failed.
    """
    for folder in (data_dir / "aclImdb", data_dir):
        if (folder / "train" / "pos").is_dir():
            return folder
    archive = data_dir / "aclImdb_v1.tar.gz"

    def fetch() -> None:
        download_url(answering([URL]), data_dir, archive.name, MD5)
        # in a folder of its own until it is whole: a killed process leaves nothing that counts as there
        with tempfile.TemporaryDirectory(dir=data_dir) as folder:
            try:
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, filter="data")  # which lets no path out of the folder
            except (tarfile.TarError, zlib.error) as error:
                raise RuntimeError(f"{archive.name}: {error}") from error
            os.replace(Path(folder) / "aclImdb", data_dir / "aclImdb")
        archive.unlink()

    download(fetch, [archive], data_dir, "no aclImdb", name, stand_in)
    return data_dir / "aclImdb"
