"""Every reader of files reads, or says in one line why not, whatever a file holds; `tests/campaigns` tries more."""

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


@pytest.mark.parametrize("kind", READERS)
def test_whole_files_are_read(kind: str, tmp_path: Path) -> None:
    if kind == "cifar batches":  # which have published checksums
        pytest.skip("its files are the published ones alone")
    for content in READERS[kind].examples():
        path = tmp_path / READERS[kind].name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        try:
            READERS[kind].read(path)
        except READERS[kind].raises:
            assert kind in ("vocabulary", "vocabulary of documents", "features of a file", "table", "table of tabs")


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(kind: str) -> None:
    reader = READERS[kind]

    @QUICK
    @given(reader.contents())
    def check(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            reader.check(content, Path(folder))

    check()
