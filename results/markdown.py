"""Text and tables of the pages, in Markdown."""

import re
import textwrap


def wrapped(text: str, indent: str = "") -> str:
    """Returns a paragraph in lines of at most 120 characters.

    Args:
        text: The text; its line breaks do not count.
        indent: What the lines behind the first begin with.
    """
    lines = {"width": 120, "break_long_words": False, "break_on_hyphens": False, "subsequent_indent": indent}
    return textwrap.fill(" ".join(text.split()), **lines) + "\n"


def link_to(heading: str) -> str:
    """Returns a link to a heading of the same page, as GitHub names it."""
    return f"[{heading}](#{re.sub('[^a-z0-9 -]', '', heading.lower()).replace(' ', '-')})"


def as_table(columns: list[str], rows: list[list[str]]) -> str:
    """Returns a table of cells, below their headings."""
    return "".join(f"| {' | '.join(line)} |\n" for line in [columns, ["---"] * len(columns), *rows])


def footnotes(notes: list[str]) -> str:
    """Returns a numbered list."""
    return "".join(wrapped(f"{number}. {note}", " " * len(f"{number}. ")) for number, note in enumerate(notes, 1))
