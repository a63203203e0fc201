"""The picture of the results."""

from dataclasses import replace

from results.overview import VERDICTS
from results.plot import OURS, draw
from results.table import Section, Table
from tests.result_rows import ACCURACY, NONE, RUNS, published, record, table


def test_a_row_shows_published_ours_and_strong() -> None:
    rows = [
        published(published=65.0),
        published(id="words", published="fails"),
        published(id="none", published=None),
        published(id="other_data", published=99.0, compared=False),
    ]
    records = {"one": RUNS, "words": RUNS[:1], "none": [], "other_data": [], "best": [record(1, 0.9)]}
    axes, differences = draw(table(*rows), records).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "words"]
    points = [container.lines[0].get_xydata().tolist() for container in axes.containers]
    assert points == [[[65.0, 0.0]], [[72.0, 0.0]], [[71.0, 1.0]]]
    colours = [container.lines[0].get_color() for container in axes.containers[1:]]
    assert colours == [OURS["better"][0], OURS["no number to compare"][0]]
    stars = next(drawn for drawn in axes.lines if drawn.get_marker() == "*")
    assert stars.get_xydata().tolist() == [[90.0, 0.0], [90.0, 1.0]]
    points = [container.lines[0].get_xydata().tolist() for container in differences.containers]
    assert points == [[[0.0, 0.0]], [[7.0, 0.0]]]


def test_a_run_that_failed_is_drawn_within_the_picture() -> None:
    for axes in draw(table(published(published=99.0)), {"one": RUNS, "best": []}).axes:
        least, most = axes.get_xlim()
        drawn = [x for container in axes.containers for x in container.lines[0].get_xdata()]
        assert all(least < x < most for x in drawn)


def test_a_recipe_with_another_measure_is_not_drawn() -> None:
    bleu = replace(ACCURACY, unit="")
    rows = table(published())
    other = Table(rows.sections, [Section("Ours", "", [replace(rows["best"], measure=bleu)])])
    axes, _ = draw(other, {"one": RUNS, "best": [record(1, 0.2)]}).axes
    assert all(not len(drawn.get_xdata()) for drawn in axes.lines if drawn.get_marker() == "*")


def test_every_verdict_on_a_run_has_a_colour_and_a_marker_of_its_own() -> None:
    assert [*OURS, "not yet run"] == [*VERDICTS]
    assert all(len(set(kinds)) == len(OURS) for kinds in zip(*OURS.values(), strict=True))


def test_a_table_without_any_run_can_be_drawn() -> None:
    _, differences = draw(table(published()), NONE).axes
    assert [text.get_text() for text in differences.texts] == ["not yet run"]


def test_sections_are_parted() -> None:
    sections = [Section("A", "", [published()]), Section("B", "", [published(id="two")])]
    axes, _ = draw(Table(sections, table().groups), NONE | {"two": []}).axes
    assert [text.get_text() for text in axes.texts] == ["A", "B"]
    assert [0.5, 0.5] in [list(drawn.get_ydata()) for drawn in axes.lines]
