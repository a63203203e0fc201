"""The Large Movie Review Dataset: download of 50,000 positive and negative reviews from IMDB (Maas et al., 2011).

A course on recurrent networks (Udacity's Deep Learning Foundation, 2017) has its training half in one file, of which a
part is for the test.
"""

from pathlib import Path

from core.files.download import RemoteFile, Request, download_archive
from datamodules.base.split import PARTS
from datamodules.text.text_files import LabelledTexts

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


def course_parts(reviews: LabelledTexts) -> dict[str, LabelledTexts]:
    """Returns the course's parts: of its file the first 80 %, then 10 % for validation and 10 % for the test.

    Its file alternates between positive and negative reviews, each in the alphabetical order of their files' names.

    Args:
        reviews: Those of the folder `train`.
    """
    lines = zip(reviews.texts, reviews.labels, reviews.places, strict=True)
    by_name = sorted(lines, key=lambda line: (Path(line[2]).name, line[1]))
    of_class = {name: [line for line in by_name if line[1] == name] for name in CLASSES}
    alternating = [line for pair in zip(of_class["pos"], of_class["neg"], strict=False) for line in pair]
    ends = [int(len(alternating) * share) for share in (0.8, 0.9, 1)]
    parts = {}
    for part, begin, end in zip(PARTS, [0, *ends], ends, strict=False):
        parts[part] = LabelledTexts(*(list(column) for column in zip(*alternating[begin:end], strict=True)))
    return parts
