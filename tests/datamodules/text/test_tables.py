"""Tables of texts and labels are read in every usual form; what is left out or wrong is said with its line."""

import gzip
import re
from collections.abc import Callable

import pytest

from core.errors import InputError
from datamodules.text.tables import read_columns, read_table


@pytest.mark.parametrize("label", [None, 0])
def test_a_label_can_stand_first(write: Callable, label: int | None) -> None:
    path = write("cnews.txt", "sports\tone\nhome\ttwo\nsports\tthree\n")
    part = read_columns(path, label)
    assert (part.labels, part.texts) == (["sports", "home", "sports"], ["one", "two", "three"])
    assert part.label_column == 0


@pytest.mark.parametrize("label", [None, 1])
def test_a_label_can_stand_last_and_be_the_number_of_a_name(write: Callable, label: int | None) -> None:
    path = write("dev.txt", "one\t1\ntwo\t0\nthree\t1\n")
    part = read_columns(path, label, ["finance", "sports"])
    assert (part.labels, part.texts) == (["sports", "finance", "sports"], ["one", "two", "three"])
    assert part.places[1] == f"{path}, line 2"


def test_a_text_may_hold_tabs_where_the_labels_column_is_given(write: Callable) -> None:
    path = write("a.txt", "a\tb\tx\nc\td\ty\n")
    assert read_columns(path, 1).texts == ["a\tb", "c\td"]
    assert read_columns(path, 0).texts == ["b\tx", "d\ty"]
    with pytest.raises(InputError, match="line 1: 3 columns, where text and label are expected"):
        read_columns(path, None)


def test_commas_divide_a_csv_file_and_quotes_protect_them(write: Callable) -> None:
    path = write("a.csv", 'x,"one, ""two""\nthree"\ny,four\nx,five\n')
    part = read_columns(path, None)
    assert (part.labels, part.texts) == (["x", "y", "x"], ['one, "two"\nthree', "four", "five"])
    assert part.places[1] == f"{path}, line 3"


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_newline_ends_a_line_of_a_csv_file(write: Callable, sign: str) -> None:
    path = write("a.csv", f"x,one{sign}more\ny,two\n")
    assert read_columns(path, 0).texts == [f"one{sign}more", "two"]
    assert read_columns(path, 0).places[1] == f"{path}, line 2"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "one\t0\ntwo\n", "line 2: no tab between text and label"),
        ("a.csv", "one,0\ntwo,1,2\n", "line 2: 3 columns, where text and label are expected"),
        ("a.csv", "\n", "no texts in it"),
        ("a.csv", 'one,"0\n', "line 1: unexpected end of data"),
        ("a.csv", "id,text,label\n1,a,b\n", "line 1: 3 columns, where text and label are expected; data.text_column"),
        ("a.txt", "one\ttwo\nthree\tfour\n", "either column could be the label (2 and 2 different values)"),
    ],
)
def test_a_line_that_is_wrong_is_named(write: Callable, name: str, content: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        read_columns(write(name, content), None)


@pytest.mark.parametrize("label", ["2", "x", "\u2460"])
def test_a_number_without_a_name_is_an_error(write: Callable, label: str) -> None:
    with pytest.raises(InputError, match=f"line 1: label '{label}', where 0 to 1 are expected"):
        read_columns(write("a.txt", f"one\t{label}\n"), 1, ["finance", "sports"])


def test_columns_are_found_by_their_names(write: Callable) -> None:
    path = write("a.csv", 'id,text,stars\n1,"good, really",5\n2,bad,1\n')
    part = read_table(path, "text", "stars")
    assert (part.labels, part.texts) == (["5", "1"], ["good, really", "bad"])
    with pytest.raises(InputError, match=r"no column 'review'; it has id, text, stars"):
        read_table(path, "review", "stars")
    with pytest.raises(InputError, match=r"line 2: 2 columns, where the header has 3"):
        read_table(write("b.csv", "id,text,stars\n1,good\n"), "text", "stars")
    with pytest.raises(InputError, match=r"c.csv: no texts in it"):
        read_table(write("c.csv", "id,text,stars\n"), "text", "stars")


@pytest.mark.parametrize("sign", [";", "\t"])
def test_quotes_do_not_keep_a_csv_file_from_another_sign(write: Callable, sign: str) -> None:
    """Commas are tried first, for which a sign behind a quote is an error."""
    body = f'"good, really"{sign}1\n"bad"{sign}0\n"fine"{sign}1\n'
    texts = ["good, really", "bad", "fine"]
    columns = read_columns(write("a.csv", body), None)
    assert (columns.texts, columns.labels) == (texts, ["1", "0", "1"])
    table = read_table(write("b.csv", f'"text"{sign}label\n{body}'), "text", "label")
    assert (table.texts, table.labels) == (texts, ["1", "0", "1"])


def test_a_wrong_name_is_named_where_quotes_and_another_sign_divide_the_header(write: Callable) -> None:
    with pytest.raises(InputError, match=r"no column 'txt'; it has text, label$"):
        read_table(write("a.csv", '"text";"label"\n"good";"1"\n'), "txt", "label")


def test_a_csv_file_that_no_sign_fits_is_refused_as_one_of_commas(write: Callable) -> None:
    path = write("a.csv", 'good,1\n"bad,0\nfine,1\n')
    for read in (read_columns_of, lambda path: read_table(write("b.csv", '"text,label\na,1\n'), "text", "label")):
        with pytest.raises(InputError, match=r"line [12]: unexpected end of data"):
            read(path)
    with pytest.raises(InputError, match=r"a.csv, line 2: unexpected end of data"):
        read_columns(path, None)


# What is nearly right


TEXTS = "".join(f"text {number}\t{'pos' if number % 2 else 'neg'}\n" for number in range(60))


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("sentence\tlabel\n", TEXTS),
        ("Text\tCategory\n", TEXTS),
        ("words\tlabel\n", TEXTS),
        ("review\tkind\n", TEXTS),
        ("words\tkind\n", TEXTS.replace("pos", "1").replace("neg", "-1")),
    ],
)
@pytest.mark.parametrize("label", [None, 1])
def test_a_header_is_no_class(write: Callable, header: str, body: str, label: int | None) -> None:
    path = write("train.tsv", header + body)
    part = read_columns(path, label)
    assert len(part) == 60
    assert len(set(part.labels)) == 2
    assert part.places[0] == f"{path}, line 2"
    assert part.notes == [f"note     {path}: line 1 is taken for a header: {', '.join(header.split())}"]
    assert read_columns(write("body.tsv", body), label).notes == []


def test_a_header_with_blanks_in_a_csv_file_is_none_of_the_classes(write: Callable) -> None:
    path = write("spaces.csv", "text, label\n" + TEXTS.replace("\t", ","))
    part = read_columns(path, None)
    assert set(part.labels) == {"pos", "neg"}
    assert part.notes == [f"note     {path}: line 1 is taken for a header: text, label"]
    named = read_table(path, "text", "label")
    assert (named.texts, named.labels) == (part.texts, part.labels)
    assert read_table(path, "text", " label").labels == part.labels


@pytest.mark.parametrize(
    "content",
    [
        "first text\tquestion\n" + TEXTS,  # the only text of its class, whose name texts could have
        "label\tpos\n" + TEXTS,  # a text that could be the name of the labels, of a class of others
        "first text\tmixed\n" + TEXTS,
    ],
)
def test_a_first_line_that_may_be_a_text_is_kept(write: Callable, content: str) -> None:
    part = read_columns(write("a.tsv", content), None)
    assert len(part) == 61
    assert part.notes == []


@pytest.mark.parametrize(("name", "sign"), [("a.csv", ","), ("a.CSV", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
@pytest.mark.parametrize("packed", [False, True])
def test_columns_are_divided_by_other_signs_and_files_packed(
    write: Callable, name: str, sign: str, packed: bool
) -> None:
    body = "".join(f"text {number}{sign}{'pos' if number % 2 else 'neg'}\n" for number in range(9))
    for header, read in ((f"text{sign}label\n", lambda path: read_table(path, "text", "label")), ("", read_columns_of)):
        content = (header + body).encode()
        part = read(write(f"{name}.gz" if packed else name, gzip.compress(content) if packed else content))
        assert part.texts == [f"text {number}" for number in range(9)]
        assert set(part.labels) == {"pos", "neg"}


def read_columns_of(path) -> object:
    """Reads two columns whose labels are found."""
    return read_columns(path, None)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("header", [False, True])
def test_blank_lines_and_lines_without_a_label_are_left_out_and_named(write: Callable, name: str, header: bool) -> None:
    sign = "\t" if name.endswith("tsv") else ","
    lines = ["text,label"] * header + ["one,a", "", "two,b", "three, ", "four,a", "five,"]
    path = write(name, "\n".join(line.replace(",", sign) for line in lines) + "\n")
    part = read_table(path, "text", "label") if header else read_columns(path, 1)
    assert (part.texts, part.labels) == (["one", "two", "four"], ["a", "b", "a"])
    assert part.notes == [
        f"skipped  blank lines in {path}: 1 (line {2 + header})",
        f"skipped  lines without a label in {path}: 2 (line {4 + header}, {6 + header})",
    ]


def test_a_table_without_any_label_has_no_texts(write: Callable) -> None:
    with pytest.raises(InputError, match="no texts in it"):
        read_columns(write("a.tsv", "one\t\ntwo\t\n"), 1)
