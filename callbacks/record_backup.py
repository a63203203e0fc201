"""Backup of the record of a run that a fit resumes, kept until the fit has made a step."""

from pathlib import Path

from core.files.atomic_files import write_atomically
from core.summary import RECORD_FILES, SUMMARY


class RecordBackup:
    """The record of a run as it was before a fit resumed it; empty for a new run."""

    def __init__(self) -> None:
        self._contents: dict[Path, str | None] = {}

    @property
    def is_kept(self) -> bool:
        """Whether there is one."""
        return bool(self._contents)

    def keep(self, run: Path) -> None:
        """Keeps the record of a run's folder, if it has one."""
        files = [run / name for name in RECORD_FILES] if (run / SUMMARY).exists() else []
        self._contents = {file: file.read_text(encoding="utf-8") if file.exists() else None for file in files}

    def restore(self) -> None:
        """Puts the record back as it was, and forgets it.

        Raises:
            RunFailed: A file cannot be written.
        """
        for file, content in self._contents.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                write_atomically(file, content)
        self.forget()

    def forget(self) -> None:
        """Forgets the record."""
        self._contents = {}
