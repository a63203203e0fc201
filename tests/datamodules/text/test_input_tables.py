"""Of a table that is predicted, the column is read that training reads."""

import gzip
import re
from collections.abc import Callable

import pytest

from core.errors import InputError
from datamodules.text.input_tables import texts_of_column, texts_of_table

CLASSES = ("neg", "pos")


@pytest.mark.parametrize(("name", "sign"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("a.csv.gz", ",")])
def test_a_named_column_is_read_without_quotes_labels_and_header(write: Callable, name: str, sign: str) -> None:
    quote = "" if sign == "\t" else '"'
    rows = [("id", " review ", "sentiment"), ("1", f"{quote}A good, long one{quote}", "pos"), ("2", "Bad", "")]
    content = "\n".join(sign.join(row) for row in rows).encode()
    path = write(name, gzip.compress(content) if name.endswith(".gz") else content)
    assert texts_of_column(path, "review") == (["A good, long one", "Bad"], [], "")


def test_a_cell_of_several_lines_is_one_text_and_blank_ones_are_named(write: Callable) -> None:
    path = write("a.csv", 'review\n"one\n""two"""\n\n" "\nthree\n')
    assert texts_of_column(path, "review").texts == ['one\n"two"', "three"]
    assert texts_of_column(path, "review").notes == [
        f"skipped  blank lines in {path}: 1 (line 4)",
        f"skipped  lines without a text in {path}: 1 (line 5)",
    ]


def test_an_absent_column_is_one_line_that_says_what_to_do(write: Callable) -> None:
    path = write("a.csv", "id,words\n1,fine\n")
    said = f"{path}: no column 'review'; it has id, words; --data.text_column names another, and a .txt file has one"
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        texts_of_column(path, "review")


@pytest.mark.parametrize(
    ("name", "content", "label"),
    [
        ("a.csv", 'pos,"good, really"\nneg,bad\n', None),
        ("a.csv", '"good, really",1\nbad,0\n', None),
        ("a.csv", "good, really;pos\nbad;neg\n", None),
        ("a.csv", "id;text;label\n1;good, really;x\n2;bad;y\n", None),
        ("a.tsv", "good, really\tpos\nbad\tneg\n", None),
        ("a.tsv", "words\tsentiment\ngood, really\tpos\nbad\tneg\n", None),
        ("a.csv", '"good, really",positive\nbad,negative\n', 1),
        ("a.csv", 'id,Text,sentiment\n1,"good, really",x\n2,bad,y\n', None),
        ("a.csv", '"good, really"\nbad\n', None),
        ("a.csv", 'text\n"good, really"\nbad\n', None),
        ("a.tsv", "good, really\nbad\n", None),
    ],
)
def test_the_column_of_texts_is_found(write: Callable, name: str, content: str, label: int | None) -> None:
    assert texts_of_table(write(name, content), label, CLASSES).texts == ["good, really", "bad"]


def test_another_sign_divides_a_table_only_where_it_gives_labels(write: Callable) -> None:
    path = write("a.csv", "good; really\nbad; poor\n")
    assert texts_of_table(path, None, CLASSES).texts == ["good; really", "bad; poor"]
    assert texts_of_table(write("b.csv", "good;pos\nbad;neg\n"), None, CLASSES).texts == ["good", "bad"]


def test_a_first_line_of_names_is_said_to_be_one(write: Callable) -> None:
    path = write("a.csv", "text,label\ngood,pos\nbad,neg\n")
    assert texts_of_table(path, None, CLASSES).notes == [f"note     {path}: line 1 is taken for a header: text, label"]
    assert texts_of_table(write("b.csv", "good,pos\nbad,neg\n"), None, CLASSES).notes == []


@pytest.mark.parametrize("content", ["1,good,pos\n2,bad,neg\n", "good, really\nbad\n"])
def test_a_table_whose_texts_could_be_anywhere_is_refused(write: Callable, content: str) -> None:
    path = write("a.csv", content)
    with pytest.raises(InputError, match=f"^{path}: it is not clear which column has the texts; name it text in a"):
        texts_of_table(path, None, CLASSES)


def test_an_unclosed_quote_is_refused_and_a_blank_table_has_no_texts(write: Callable) -> None:
    with pytest.raises(InputError, match="line 1: unexpected end of data"):
        texts_of_table(write("a.csv", 'pos,"good\n'), None, CLASSES)
    assert texts_of_table(write("b.csv", "\n\n"), None, CLASSES).texts == []
