"""Files are read whole, unpacked or not, and those that never end are refused."""

import gzip
import os
from pathlib import Path

import pytest

from core.errors import InputError
from core.files import input_files
from core.files.input_files import is_within, read_file


def test_a_file_is_read_and_unpacked_where_it_is_packed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    (tmp_path / "a.txt.GZ").write_bytes(gzip.compress(b"content"))
    assert read_file(tmp_path / "a.txt") == read_file(tmp_path / "a.txt.GZ") == b"content"


def test_what_never_ends_is_refused_without_a_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero.gz").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "zero.gz", Path("/dev/zero")):
        with pytest.raises(InputError, match=f"^{path}: a pipe or a device, not a file$"):
            read_file(path)
    with pytest.raises(InputError, match=f"^{tmp_path}: a folder, not a file$"):
        read_file(tmp_path)


def test_a_link_lies_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "run" / "drawn").mkdir(parents=True)
    (tmp_path / "run" / "within").symlink_to("drawn")
    (tmp_path / "run" / "out").symlink_to(tmp_path)
    (tmp_path / "run" / "loop").symlink_to("loop")
    (tmp_path / "also").symlink_to("run")
    for folder in ("run", "also"):
        names = ("drawn/a", "within/a", "none", "out/a", "out/run", "loop", "../a")
        found = [is_within(tmp_path / folder / name, tmp_path / folder) for name in names]
        assert found == [True, True, True, False, True, False, False]


def test_a_file_that_unpacks_to_far_more_than_itself_is_refused_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "FREE", 10_000)
    monkeypatch.setattr(input_files, "PORTION", 1000)
    (tmp_path / "small.gz").write_bytes(gzip.compress(bytes(10_000)))
    assert len(read_file(tmp_path / "small.gz")) == 10_000
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(InputError, match=r"bomb\.gz: unpacks to more than 100 times its size"):
        read_file(tmp_path / "bomb.gz")


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"content")[:-9], gzip.compress(bytes(range(99)))[:20]],
    ids=["no gzip", "without its end", "cut"],  # packed bytes hold the time of day
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.gz: cannot be read \("):
        read_file(tmp_path / "a.gz")
    with pytest.raises(InputError, match=r"nowhere: cannot be read \(No such file or directory\)"):
        read_file(tmp_path / "nowhere")
