"""A page of pictures with captions, which holds small copies of the pictures and needs no other file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.pages.page import render
from core.pages.pictures import small_copy
from core.terminal.printable import counted

SIDE = 320  # pixels of the longer side of a small copy


def page(
    names: Sequence[str],
    captions: Sequence[str],
    files: Mapping[str, Path],
    references: Sequence[Sequence[str]] | None = None,
) -> bytes:
    """Returns a page of HTML.

    Args:
        names: Names of the pictures.
        captions: Caption of each.
        files: Files of the pictures by name; one that is not there or cannot be read is only named.
        references: Captions by people, of each.
    """
    rows = [
        {
            "name": name,
            "picture": small_copy(files[name], SIDE) if name in files else "",
            "caption": caption,
            "references": [] if references is None else references[place],
        }
        for place, (name, caption) in enumerate(zip(names, captions, strict=True))
    ]
    title = f"{counted(len(rows), 'picture')} and {'its caption' if len(rows) == 1 else 'their captions'}"
    return render(Path(__file__).with_name("page.html"), title, rows=rows).encode()
