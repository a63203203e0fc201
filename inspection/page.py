"""The page of an inspection, and the files beside it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files.atomic_files import write_atomically
from core.files.plain_json import load_json
from core.media import Table
from core.media_files import encode
from core.pages.page import render
from core.pages.pictures import data_url
from core.summary import strict_json
from core.terminal.printable import shown_path
from inspection.views import Shown, View

PAGE, RECORD = "inspect.html", "inspect.json"
Views = Sequence[tuple[View, list[Shown]]]


def write_inspection(
    folder: Path, title: str, facts: Mapping[str, Any], views: Views, left_out: Mapping[str, str]
) -> dict[str, list[str]]:
    """Writes the pictures and tables of views, a page with all of them, and a record; removes those of an earlier one.

    No other file is replaced.

    Args:
        folder: The folder, which is made if it is not there.
        title: Title of the page.
        facts: What is said of the network above all, by name.
        views: The views with what they show.
        left_out: Why views are not shown, by title.

    Returns:
        Names of the files by view.

    Raises:
        InputError: The folder cannot be made, or has a file of such a name that no inspection has written.
    """
    files: dict[str, list[str]] = {}
    contents: dict[str, str | bytes] = {}  # all is made before anything of an earlier inspection is removed
    sections = []
    for view, shown in views:
        parts = []
        for one in shown:
            ending, content = encode(one.medium)
            name = f"{one.medium.name}{ending}"
            contents[name] = content
            files.setdefault(view.name, []).append(name)
            table = one.medium if isinstance(one.medium, Table) else None
            parts.append({"url": data_url(content, "image/png") if table is None else None, "table": table, "of": one})
        sections.append({"view": view, "parts": parts})
    page = render(Path(__file__).with_name("inspection.html"), title, facts=facts, sections=sections, left_out=left_out)
    record = dict(facts) | {"files": files, "left_out": dict(left_out)}
    earlier = _earlier(folder)
    for name in (RECORD, *contents, PAGE):
        if name not in earlier and os.path.lexists(folder / name):
            reason = f"{name} is there already, and no earlier inspection has written it"
            raise InputError(f"--output {shown_path(folder)}: {reason}; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be made ({error.strerror})") from error
    for name in earlier - {RECORD, PAGE}:
        (folder / name).unlink(missing_ok=True)
    for name, content in {RECORD: strict_json(record), **contents, PAGE: page}.items():  # first what names the others
        write_atomically(folder / name, content)
    return files


def _earlier(folder: Path) -> set[str]:
    """Returns the names of the files of an earlier inspection, as its record has them; none without a record."""
    try:
        files = load_json((folder / RECORD).read_text(encoding="utf-8"))["files"]
        names = {Path(str(name)).name for some in files.values() for name in some}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):  # there is none, or it is damaged
        return set()
    return {RECORD, PAGE, *(name for name in names if name.endswith((".png", ".csv")))}
