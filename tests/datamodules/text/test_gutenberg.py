"""Project Gutenberg's words around a book are left out, whichever of its forms they have."""

import pytest

from datamodules.text.gutenberg import without_frame

BOOK = "Chapter 1\n\nAll *happy* families\n*** are alike.\n"
START = "*** START OF THE PROJECT GUTENBERG EBOOK ANNA KARENINA ***"
END = "*** END OF THE PROJECT GUTENBERG EBOOK ANNA KARENINA ***"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"The Project Gutenberg eBook of it\n\n{START}\n\n\n", f"\n\n{END}\n\nThe licence\n"),
        ("", f"\n\n\n{END.replace('THE', 'THIS', 1)}\n\nThe licence"),
        (f"Title\n{START}\n", ""),
        (
            "Title\n***START OF THE PROJECT GUTENBERG EBOOK OF\nA TITLE OF TWO LINES***\n",
            "\n\n\nEnd of Project Gutenberg's Anna Karenina, by Leo Tolstoy\n\n***END OF THE PROJECT GUTENBERG "
            "EBOOK OF\nA TITLE OF TWO LINES***\n\n*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*\n",
        ),
        (
            "Title\n*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n\n",
            "\n\nEnd of The Project Gutenberg Etext of Anna Karenina\n\nmore\n",
        ),
    ],
    ids=["usual", "end alone", "start alone", "titles of two lines", "small print"],
)
def test_the_frame_is_left_out(before: str, after: str) -> None:
    assert without_frame(before + BOOK + after) == BOOK


def test_books_one_after_the_other_are_all_kept() -> None:
    one, two = (f"Title\n{START}\n\n{name}\n\n{END}\nThe licence\n\n" for name in ("Book 1", "Book 2"))
    assert without_frame(one + two) == "Book 1\n\nBook 2\n"


@pytest.mark.parametrize("text", [BOOK, "", "What Project Gutenberg is:\n*** a star ***\n\n"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert without_frame(text) == text
