"""A folder is read once; broken pictures are refused, or left out and counted; parts keep pictures and captions."""

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError
from datamodules.captioned.reading import FolderReader
from datamodules.images.picture_folders import PictureReader
from datamodules.images.streaming import PictureFiles
from tests.tiny_captions import folder_of_captions


def reader(folder: Path, **settings: Any) -> FolderReader:
    """Returns a reader of a folder with a test part."""
    given = {"sizes": {"val": 2, "test": 3}, "stream": False, "skip_corrupt": False} | settings
    pictures = PictureReader(8, 3, not given["stream"], given["skip_corrupt"], "pictures")
    return FolderReader(folder, folder, None, True, given["sizes"], 0, pictures, 0)


def test_parts_keep_captions_with_pictures_in_memory_and_on_disk(tmp_path: Path) -> None:
    folder = folder_of_captions(tmp_path / "data")
    kept, streamed = (reader(folder, stream=stream).read() for stream in (False, True))
    assert {part: len(of.names) for part, of in kept.parts.items()} == {"train": 7, "val": 2, "test": 3}
    for part, of in kept.parts.items():
        other = streamed.parts[part]
        assert isinstance(other.images, PictureFiles)
        assert torch.equal(other.images[range(len(other.images))], of.images)
        assert (other.names, other.captions) == (of.names, of.captions)
        numbers = [int(name.removesuffix(".png")) % 3 for name in of.names]
        assert [several[0] for several in of.captions] == [f"A dog, {number}, runs number 0 ." for number in numbers]
    assert (kept.mean, kept.std, kept.digest) == (streamed.mean, streamed.std, streamed.digest)
    assert list(folder.glob("captioned_8x3_*.cache.safetensors"))


def test_a_broken_picture_is_refused_or_left_out(tmp_path: Path) -> None:
    folder = folder_of_captions(tmp_path / "data")
    (folder / "Images" / "3.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"3\.png: no picture that can be read; in all, 1 of 12 files"):
        reader(folder).read()
    found = reader(folder, skip_corrupt=True).read()
    assert "3.png" not in sum((of.names for of in found.parts.values()), [])
    assert sum(len(of.captions) for of in found.parts.values()) == 11
    assert [note for note in found.notes if "cannot be read as pictures" in note and "1 (Images/3.png)" in note]


def test_lists_without_training_pictures_are_named_and_what_to_do(tmp_path: Path) -> None:
    folder = folder_of_captions(tmp_path / "data", 3)
    rows = ["file,caption,split", *(f"{number}.png,A dog runs .,test" for number in range(3))]
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(InputError, match=r"data: no training picture has a caption; .* --data\.lists false"):
        reader(folder, sizes={"val": None, "test": None}).read()


def test_a_change_of_a_picture_changes_the_digest(tmp_path: Path) -> None:
    folder = folder_of_captions(tmp_path / "data")
    before = reader(folder, sizes={"val": 0, "test": 0}).read().digest
    folder_of_captions(tmp_path / "other", 13)
    (folder / "Images" / "0.png").write_bytes((tmp_path / "other" / "Images" / "12.png").read_bytes())
    assert reader(folder, sizes={"val": 0, "test": 0}).read().digest != before
