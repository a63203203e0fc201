"""The frame around a book of Project Gutenberg: what stands before it, and the licence behind it."""

import re

# "*** START OF THE PROJECT GUTENBERG EBOOK ANNA KARENINA ***", whose title can take several lines
START = r"^[ \t]*\*{3}[ \t]*START OF (?:THE|THIS) PROJECT GUTENBERG[^*]{0,300}\*{3}[^\n]*$"
# the end of the older "small print", which some files have behind the book, so that it counts only without the other
SMALL_PRINT = r"^[ \t]*\*END[* ]*THE SMALL PRINT[^\n]*$"
END = (
    r"^[ \t]*\*{3}[ \t]*END OF (?:THE|THIS) PROJECT GUTENBERG[^*]{0,300}\*{3}[^\n]*$"
    r"|^[ \t]*END OF (?:(?:THE|THIS) )?PROJECT GUTENBERG[^\n]*$"
)


def without_frame(text: str) -> str:
    """Returns the books of a text without Project Gutenberg's words around them; the text itself if it has none.

    A file can hold several books one after the other. The marks that begin and end a book are left out, too, and the
    blank lines beside them.

    Args:
        text: A text with newlines as line ends.
    """
    starts = _places(START, text) or _places(SMALL_PRINT, text)
    ends = _places(END, text)
    if not starts and not ends:
        return text
    marks = sorted([(*place, True) for place in starts] + [(*place, False) for place in ends])
    books, begin = [], None if marks[0][2] else 0  # without a mark the book begins where the text does
    for before, after, is_start in marks:
        if is_start and begin is None:
            begin = after
        elif not is_start and begin is not None:
            books.append(text[begin:before])
            begin = None
    if begin is not None:
        books.append(text[begin:])
    return "\n\n".join(book.strip("\r\n") for book in books) + "\n"


def _places(pattern: str, text: str) -> list[tuple[int, int]]:
    """Returns where the matches of a pattern begin and end."""
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE | re.MULTILINE)]
