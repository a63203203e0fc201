"""Words are not cut at combining marks, and texts without marks are divided as `re` does it."""

import re
import sys
import unicodedata

import pytest

from datamodules.text.words import OTHERS, Words, _combining_marks

LETTERS = r"[^\W\d_]"
COMPOSED = "Zoë’s café, l’été: naïve 3rd_x 東京 привет — Straße!"  # noqa: RUF001
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.mark.parametrize(
    "words",
    ["हिन्दी भाषा", "கடவுள் உண்டு", "สวัสดีครับ", unicodedata.normalize("NFD", "café naïve Ångström"), "i\u0307stanbul"],
)
def test_words_go_on_over_combining_marks(words: str) -> None:
    assert Words("RUN").findall(f"{words}, {words}!") == words.split() * 2
    assert Words("RUN|[^\\w\\s]").findall(f"{words}.") == [*words.split(), "."]
    assert Words("RUN", LETTERS).findall(words) == words.split()


def test_a_mark_alone_is_no_word() -> None:
    assert Words("RUN").findall("\u0301 a\u0301b\u0301\u0302c 1") == ["a\u0301b\u0301\u0302c", "1"]
    assert Words("RUN").match("\u0301a") is None
    assert Words("RUN").match("a\u0301 b")[0] == "a\u0301"


@pytest.mark.parametrize(
    ("form", "letter"),
    [
        (r"RUN(?:['’]RUN)*", r"\w"),  # noqa: RUF001
        (r"RUN(?:['’]RUN)*|[^\w\s]", r"\w"),  # noqa: RUF001
        (r" ?RUN(?:['’]RUN)*| ?[^\w\s]|\s", r"\w"),  # noqa: RUF001
        ("RUN", LETTERS),
    ],
)
def test_texts_without_marks_keep_their_words(form: str, letter: str) -> None:
    plain = re.compile(form.replace("RUN", f"{letter}+"))
    for text in (COMPOSED, "It's 10/10, isn't_it?", ""):
        assert Words(form, letter).findall(text) == plain.findall(text)
    compose = [unicodedata.normalize("NFC", word) for word in Words(form, letter).findall(DECOMPOSED)]
    assert compose == plain.findall(COMPOSED)


def test_words_are_cut_at_marks_where_these_do_not_count() -> None:
    assert Words("RUN").findall("cafe\u0301s", combining_marks=False) == ["cafe", "s"]


def test_marks_count_where_words_go_on_over_them() -> None:
    assert Words("RUN").any_combining_marks(["cafe", "cafe\u0301"])
    assert not Words("RUN").any_combining_marks(["cafe", "café 東京", "love \u2764\ufe0f", "\u0301"])
    keycap = ["press 3\ufe0f"]
    assert Words("RUN").any_combining_marks(keycap)
    assert not Words("RUN", LETTERS).any_combining_marks(keycap)


def test_the_marks_are_those_of_unicode() -> None:
    marks = re.compile(f"[{_combining_marks()}]")
    for point in range(sys.maxunicode + 1):
        assert bool(marks.match(chr(point))) == (unicodedata.category(chr(point)) in ("Mn", "Mc")), hex(point)
    assert OTHERS in _combining_marks()
