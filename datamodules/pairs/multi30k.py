"""Multi30k: 31,014 captions of Flickr30k's pictures in English, German and French, with download.

Desmond Elliott, Stella Frank, Khalil Sima'an and Lucia Specia, "Multi30K: Multilingual English-German Image
Descriptions", 2016, arXiv:1605.00459.
"""

from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from core.files.download import RemoteFile, Request, download_files

NAME = "Multi30k"
FOLDER = "multi30k"
URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
MD5 = {
    "test_2016_flickr.de.gz": "efd67d314d98489b716b145475101932",
    "test_2016_flickr.en.gz": "ff2c0fcb4893a13bd73414306bc250ae",
    "test_2016_flickr.fr.gz": "08dc7cd4a662f31718412de95ca9bfe3",
    "test_2017_flickr.de.gz": "6a8d5c87f6ae19e3d35681aa6fd16571",
    "test_2017_flickr.en.gz": "005396bac545d880abe6f00bbb7dbbb4",
    "test_2017_flickr.fr.gz": "cb09af7d2b501f9112f2d6a59fa1360d",
    "train.de.gz": "81ff90b99829c0cd4b1b587d394afd39",
    "train.en.gz": "0065d13af80720a55ca8153d126e6627",
    "train.fr.gz": "6cb767741dcad3931f966fefbc05203f",
    "val.de.gz": "6e0e229eb049e3fc99a1ef02fb2d5f91",
    "val.en.gz": "2b69aa9253948ac9f67e94917272dd40",
    "val.fr.gz": "93fc564584b7e5ba410c761ea5a1c682",
}


def multi30k(data_dir: Path, languages: Sequence[str], test_set: str) -> dict[str, list[Path]]:
    """Returns the files of both languages for each part, which are downloaded if absent.

    Args:
        data_dir: Folder of the files, or its parent.
        languages: Source and target, such as `de` and `en`.
        test_set: Name of the test part, such as `test_2016_flickr`.

    Raises:
        InputError: Both languages are the same, or the download failed.
    """
    if languages[0] == languages[1]:
        raise InputError(f"data.source_language and data.target_language are both {languages[0]}")
    names = {part: [f"{stem}.{language}.gz" for language in languages] for part, stem in
             (("train", "train"), ("val", "val"), ("test", test_set))}  # fmt: skip
    everything = [name for part in names.values() for name in part]
    for folder in (data_dir / FOLDER, data_dir):
        if all((folder / name).is_file() for name in everything):
            break
    else:
        folder = data_dir / FOLDER
        missing = [name for name in everything if not (folder / name).is_file()]
        request = Request(data_dir, f"no {missing[0]}", NAME, "sentences")
        download_files([RemoteFile(name, [URL + name], MD5[name]) for name in missing], folder, request)
    return {part: [folder / name for name in pair] for part, pair in names.items()}
