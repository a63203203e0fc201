"""The file of captions is found by its name, and pictures by their paths, names or stems."""

from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.captioned.finding import find_caption_files, match_pictures
from tests.pictures import picture


def test_the_most_telling_name_wins_here_or_one_folder_deeper() -> None:
    Path("data/annotations").mkdir(parents=True)
    Path("data/zeros.csv").touch()
    assert find_caption_files(Path("data"), None) == [Path("data/zeros.csv")]
    for name in ("captions_train2017.json", "captions_val2017.json"):
        Path("data/annotations", name).touch()
    assert [path.name for path in find_caption_files(Path("data"), None)] == [
        "captions_train2017.json", "captions_val2017.json",
    ]  # fmt: skip
    assert find_caption_files(Path("data"), ["zeros.csv"]) == [Path("data/zeros.csv")]


@pytest.mark.parametrize(
    ("names", "said"), [(["no.csv"], "no such file"), (None, "no file of captions in it, such as captions.csv")]
)
def test_absent_captions_are_one_line(names: list[str] | None, said: str) -> None:
    Path("data").mkdir()
    with pytest.raises(InputError, match=said):
        find_caption_files(Path("data"), names)
    with pytest.raises(InputError, match="no such folder"):
        find_caption_files(Path("elsewhere"), None)


def test_pictures_are_found_by_path_name_or_stem_and_the_rest_is_counted() -> None:
    for name in ("a/1.png", "b/1.png", "b/2.webp", "b/3.png", "c/lonely.png"):
        picture(Path("data", name))
    Path("data/notes.txt").touch()
    Path("data/.hidden.png").touch()
    found, lines = match_pictures(["b/1.png", "2.jpg", "folder/3.png", "1.jpg", "4.jpg"], Path("data"))
    assert {name: path.relative_to("data").as_posix() for name, path in found.items()} == {
        "b/1.png": "b/1.png", "2.jpg": "b/2.webp", "folder/3.png": "b/3.png", "1.jpg": "a/1.png",
    }  # fmt: skip
    assert lines == [
        "skipped  hidden files in data: 1 (.hidden.png)",
        "skipped  pictures of which there are captions, but no file: 1 (4.jpg)",
        "skipped  pictures without captions: 1 (c/lonely.png)",
        "note     names that several pictures have, of which the first is taken: 1 (1.jpg)",
    ]


def test_pictures_of_one_name_are_told_apart_by_their_folders() -> None:
    for part in ("train", "val"):
        for name in ("1.png", "2.webp"):
            picture(Path("data/Images", part, name))
    given = ["val/1.png", "train/1.png", "old/val/2.jpg", "old/train/2.jpg"]
    found, lines = match_pictures(given, Path("data"))
    assert {name: path.relative_to("data").as_posix() for name, path in found.items()} == {
        "val/1.png": "Images/val/1.png", "train/1.png": "Images/train/1.png",
        "old/val/2.jpg": "Images/val/2.webp", "old/train/2.jpg": "Images/train/2.webp",
    }  # fmt: skip
    assert (list(found), lines) == (given, [])


def test_no_picture_has_the_captions_of_two_names() -> None:
    for name in ("1.png", "2.png"):
        picture(Path("data", name))
    found, lines = match_pictures(["a/1.png", "b/1.png", "old/2.png", "2.png"], Path("data"))
    assert {name: path.name for name, path in found.items()} == {"a/1.png": "1.png", "2.png": "2.png"}
    assert lines == ["skipped  pictures of which there are captions, but no file: 2 (b/1.png, old/2.png)"]


def test_pictures_that_no_caption_names_are_refused() -> None:
    picture(Path("data/1.png"))
    with pytest.raises(InputError, match=r"none of its 1 pictures has a caption; the captions name 2\.png"):
        match_pictures(["2.png"], Path("data"))
    with pytest.raises(InputError, match="no pictures in this folder"):
        match_pictures(["2.png"], Path("absent"))
