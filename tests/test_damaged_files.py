"""Every reader of files reads, or says in one line why not, whatever a file holds; `tests/campaigns` tries more."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.readers import READERS

TRIED = 12  # files of each kind
QUICK = settings(
    max_examples=TRIED, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck]
)


@pytest.fixture(autouse=True)
def _no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses downloads, with which readers replace what is damaged."""
    from core.errors import InputError

    def refuse(*_: object) -> None:
        raise InputError("no network")

    monkeypatch.setattr("datamodules.cifar10.download_archive", refuse)


# Numbers of the examples that a reader reads, where it refuses others, which are of another kind.
READ: dict[str, set[int]] = {
    "cifar batches": set(),  # the published files alone, by their checksums
    "vocabulary of documents": {0, 1},
    "vocabulary of captions": {4},
    "vocabulary of pairs": {5},
    "vocabulary of tunes": {2},
    "features of a file": {0},
}


@pytest.mark.parametrize("kind", READERS)
def test_whole_files_are_read(kind: str, tmp_path: Path) -> None:
    reader, read = READERS[kind], set()
    examples = reader.examples()
    for number, content in enumerate(examples):
        path = tmp_path / reader.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        with contextlib.suppress(*reader.raises):
            reader.read(path)
            read.add(number)
    assert read == READ.get(kind, {*range(len(examples))})
    assert read or kind == "cifar batches"


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(kind: str) -> None:
    reader = READERS[kind]

    @QUICK
    @given(reader.contents())
    def check(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            reader.check(content, Path(folder))

    check()
