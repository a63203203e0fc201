"""The Large Movie Review Dataset: download of 50,000 positive and negative reviews from IMDB (Maas et al., 2011)."""

from pathlib import Path

from core.download import RemoteFile, Request, download_archive

NAME = "the Large Movie Review Dataset"
URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
FOLDER = "aclImdb"  # in the archive
CLASSES = ("neg", "pos")  # without the unlabelled reviews


def movie_reviews(data_dir: Path) -> Path:
    """Returns the folder of the reviews, which are downloaded if absent.

    Args:
        data_dir: That folder, or its parent.

    Raises:
        InputError: The download failed.
    """
    for folder in (data_dir / FOLDER, data_dir):
        if (folder / "train" / "pos").is_dir():
            return folder
    request = Request(data_dir, f"no {FOLDER}", NAME, "documents")
    download_archive(RemoteFile("aclImdb_v1.tar.gz", [URL], MD5), FOLDER, data_dir, request)
    return data_dir / FOLDER
