"""The lessons of `docs/lessons`: their commands, and notebooks that are made of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from core.files.atomic_files import write_atomically

PYTHON = "python "
PICTURE = re.compile(r"`(runs/lessons/[\w/]+\.png)`")
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
FIRST_CELL = """\
import os
from pathlib import Path

from IPython.display import Image, display

projects = [folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "cli.py").is_file()]
if not projects:
    raise FileNotFoundError("no cli.py here or above: clone the project, pip install -e it, open this notebook in it")
os.chdir(projects[0])"""


class Part(NamedTuple):
    """A part of a page: text, or commands.

    Attributes:
        text: Markdown; commands without their indentation.
        is_code: Whether it is commands.
    """

    text: str
    is_code: bool


def pages(folder: Path) -> list[Path]:
    """Returns the pages of the lessons in a folder, in their order."""
    return sorted(folder.glob("[0-9][0-9]-*.md"))


def parts(page: str) -> Iterator[Part]:
    """Divides a page into text and indented blocks of commands; other indented blocks are text."""
    lines: list[str] = []
    is_code = False
    for line in [*page.splitlines(), None]:
        begins_code = line is not None and line.startswith(f"    {PYTHON}")
        if line is None or begins_code != is_code:
            if text := "\n".join(lines).strip("\n"):
                yield Part(text, is_code)
            lines, is_code = [], begins_code
        lines.append(line.removeprefix("    ") if begins_code and line is not None else line or "")


def commands(page: str) -> list[str]:
    """Returns the commands of a page."""
    return [line for part in parts(page) if part.is_code for line in part.text.splitlines()]


def notebook(page: str) -> str:
    """Returns the content of the notebook of a page.

    Commands run in the notebook's own process, so that torch is imported once; pictures that a text names are shown
    below it.
    """
    cells = [_code_cell(FIRST_CELL)]
    for part in parts(page):
        if part.is_code:
            cells += [_code_cell(line.replace(PYTHON, "%run -G ", 1)) for line in part.text.splitlines()]
            continue
        moved = LINK.sub(lambda link: f"](../{link[1]})", part.text)
        cells.append({"cell_type": "markdown", "metadata": {}, "source": moved.splitlines(keepends=True)})
        if shown := dict.fromkeys(PICTURE.findall(part.text)):
            cells.append(_code_cell("\n".join(f'display(Image("{name}"))' for name in shown)))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def notebook_of(page: Path) -> Path:
    """Returns where the notebook of a page is."""
    return page.parent / "notebooks" / f"{page.stem}.ipynb"


def write_notebooks(*folders: Path) -> None:
    """Writes the notebooks of all lessons in some folders."""
    for page in [page for folder in folders for page in pages(folder)]:
        notebook_of(page).parent.mkdir(exist_ok=True)
        write_atomically(notebook_of(page), notebook(page.read_text(encoding="utf-8")))


def _code_cell(source: str) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}
