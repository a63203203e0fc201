"""Texts in one folder of files per class."""

import re
from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from datamodules.base.class_folders import LeftOut, class_content, class_folders
from datamodules.text.text_files import ENDINGS, LabelledTexts, read_text


def read_folders(folder: Path, classes: Sequence[str] | None = None) -> LabelledTexts:
    """Reads one folder of text files per class, the format of aclImdb.

    Args:
        folder: The folder that holds the class folders.
        classes: Names of the folders to read; all if not given.

    Raises:
        InputError: It has no class folders, one is empty, or a file cannot be read.
    """
    part = LabelledTexts()
    for name, files in text_files(folder, classes, None).items():
        if not files:
            raise InputError(f"{folder / name}: no .txt files in it")
        for path in sorted(files, key=lambda path: _natural(path.name)):
            part.add(read_text(path, may_be_empty=True), name, str(path))
    return part


def text_files(folder: Path, classes: Sequence[str] | None, left_out: LeftOut | None) -> dict[str, list[Path]]:
    """Lists the text files of each class.

    Args:
        folder: The folder that holds the class folders.
        classes: Names of the folders to list; all if not given.
        left_out: Where files that are not listed are noted.

    Raises:
        InputError: There are no class folders.
    """
    folders = class_folders(folder, left_out)
    names = [name for name in folders if classes is None or name in classes]
    if not names:
        raise InputError(f"{folder}: no folders in it; texts belong in {folder.name}/<class>")

    def is_text(path: Path) -> bool:
        return path.name.lower().endswith(ENDINGS)

    return {name: class_content(folders[name], left_out, is_text, "files that are not .txt") for name in names}


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Returns a key that sorts 2 before 10."""
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in re.split(r"(\d+)", name) if piece]
