"""Rows are reproduced, better or short by what their number allows, and counted by section."""

import pytest

from results.__main__ import FOLDER
from results.overview import margin, overview, recipes_run, short_rows, verdict, what_verdicts_rest_on
from results.records import read_records
from results.table_file import read_table
from tests.result_rows import NONE, RUNS, published, table

# RUNS have 72 in the mean; with the published number go as many samples as make its standard error so large.
CASES = [
    (74.1, 1.0, "short"),
    (73.9, 1.0, "reproduced"),
    (70.1, 1.0, "reproduced"),
    (69.9, 1.0, "better"),
    (72.7, None, "reproduced"),
    (72.8, None, "short"),
    (71.2, None, "better"),
    ("about 80", None, "no number to compare"),
    (None, None, "no number to compare"),
]


@pytest.mark.parametrize(("number", "error", "expected"), CASES)
def test_a_mean_is_compared_with_the_published_number(number: object, error: float | None, expected: str) -> None:
    row = published(published=number, measured_count=error and number * (100 - number) / error**2)
    assert row.standard_error == pytest.approx(error)
    assert verdict(row, RUNS) == expected
    assert verdict(row, []) == "not yet run"


def test_a_number_of_other_data_is_not_compared() -> None:
    row = published(published=74.1, compared=False)
    assert verdict(row, RUNS) == "no number to compare"
    assert margin(row, RUNS) is None


def test_a_margin_is_in_points() -> None:
    assert margin(published(published=75.0), RUNS) == pytest.approx(-3.0)
    assert margin(published(published=None), RUNS) is None
    assert margin(published(), []) is None


def test_rows_are_counted_by_section() -> None:
    rows = table(published(), published(id="two", published=60.0), published(id="three"))
    records = {"one": RUNS, "two": RUNS, "three": [], "best": RUNS}
    head, section, total = overview(rows, records)
    assert head == ["", "rows", "reproduced", "better", "short", "no number to compare", "not yet run"]
    assert section == ["[All](#all)", "3", "1", "1", "-", "-", "1"]
    assert total[1:] == section[1:]
    assert recipes_run(rows, records) == "Rows of our own recipes: 1, of 1 config; 1 were run."
    assert recipes_run(rows, NONE) == "Rows of our own recipes: 1, of 1 config; 0 were run."


def test_it_is_said_how_many_runs_verdicts_rest_on() -> None:
    rows = table(published(published=99.0), published(id="two", published=60.0), published(id="three"))
    records = {"one": RUNS, "two": RUNS[:1], "three": [], "best": RUNS}
    assert what_verdicts_rest_on(rows, records) == "Of 2 verdicts 1 rest on 2 runs, 1 on 1 run."
    assert what_verdicts_rest_on(rows, records | {"one": []}) == "Of 1 verdict 1 rests on 1 run."
    assert what_verdicts_rest_on(rows, NONE | {"two": [], "three": []}) == "No row has a verdict yet."


def test_short_rows_are_named_with_the_reason() -> None:
    rows = table(
        published(published=99.0, short_because="a faster clock"),
        published(id="two", published=60.0),
        published(id="three", published=75.0),
    )
    records = {"one": RUNS, "two": RUNS, "three": RUNS, "best": RUNS}
    assert short_rows(rows, records) == [
        "- `one`, short by 27.0: a faster clock.",
        "- `three`, short by 3.0: not known.",
    ]


def test_the_rows_that_are_short_say_why_and_no_others() -> None:
    ours = read_table(FOLDER / "table.yaml")
    records = read_records(FOLDER, ours)
    rows = [row for section in ours.sections for row in section.rows]
    assert {row.id for row in rows if row.short_because} == {
        row.id for row in rows if verdict(row, records[row.id]) == "short"
    }
