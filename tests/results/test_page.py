"""The page: it is what table and records give, and says what it shows."""

import shlex
from dataclasses import replace

import pytest
import yaml

from results.__main__ import FOLDER
from results.figures import mean_std
from results.markdown import link_to
from results.page import render
from results.records import read_records
from results.studies import read_studies
from results.table_file import read_table
from tests.result_rows import ACCURACY, NONE, RUNS, published, record, table


def line(page: str, name: str) -> list[str]:
    """Returns the cells of a row of the page."""
    (found,) = (text for text in page.splitlines() if text.startswith(f"| `{name}`"))
    return [cell.strip() for cell in found.strip("|").split(" | ")]


def test_the_page_agrees_with_the_records() -> None:
    rows = read_table(FOLDER / "table.yaml")
    page = (FOLDER.parent / "RESULTS.md").read_text(encoding="utf-8")
    ours = render(rows, read_records(FOLDER, rows), read_studies(FOLDER))
    assert page == ours, "python -m results page writes it anew"
    assert (FOLDER.parent / "docs" / "images" / "results.png").is_file()


def test_the_page_tells_what_the_sources_contradict() -> None:
    page = " ".join((FOLDER.parent / "RESULTS.md").read_text(encoding="utf-8").split())
    for claim in (
        "the best of 20 evaluations on test data. The run stands at 79.95 at its last step",
        "81.34 in the mean of its last five evaluations",
        "A second run of the same network gives 71.70",
        "measured at step 5,001",
        "differ by up to 36 points",
        "No test accuracy: the mean over 1,000 steps",
        "nothing was restored",
        "| about 92 | images not stated |",
        "the published training, as far as it is stated",
    ):
        assert claim in page


def test_a_row_shows_published_and_ours() -> None:
    page = render(table(published()), {"one": RUNS, "best": [record(1, 0.936)]})
    assert line(page, "one") == [
        *(
            "`one`",
            "a line",
            "1,234",
            "10",
            "70.0 ± 1.00",
            "2,000 test images",
            "72.00 ± 1.41",
            "71.00 ± 1.41",
            "2",
            "reproduced",
        ),
    ]
    assert "Our recipe for the kind of network: `best.yaml`, 93.60 % of all test images (n 1)." in page
    assert "The runs below read class folders." in " ".join(page.split())


def test_a_recipe_shows_its_hardware_and_the_best_known_elsewhere() -> None:
    page = render(table(), {"best": [record(1, 0.936, **{"val/acc": 0.95})]})
    assert line(page, "best.yaml")[2:] == [
        "1,234",
        "95.00",
        "93.60",
        "1",
        "100 s on A",
        "94.2: [a paper](https://a.paper)",
    ]
    assert "Hardware: A is a machine." in page
    assert "### Ours\n\nMeasured: accuracy (%), more is better.\n\n| recipe |" in page


def test_recipes_that_are_measured_in_several_ways_say_in_which() -> None:
    one, ours = table().recipes[0], table()
    loss = replace(
        ACCURACY, name="loss", better="min", unit="nats", words="", shown={"test/loss": "nats"}, counts="test/loss"
    )
    ours.groups[0].rows.append(replace(one, id="other", elsewhere=None, measure=loss))
    page = render(ours, {"best": [record(1, 0.936)], "other": [record(1, 0.5, **{"test/loss": 2.0})]})
    # no validation, no column of it
    assert "| `best.yaml` | a VGG | 1,234 | 93.60 | accuracy (%), more is better | 1 |" in page
    assert "| `best.yaml`<br>(`other`) | a VGG | 1,234 | 2.00 | nats, less is better | 1 |" in page


def test_rows_of_several_recipes_name_theirs() -> None:
    rows = [published(), published(id="two", strong="other"), published(id="three", strong=None)]
    ours = table(*rows)
    ours.groups[0].rows.append(replace(ours.recipes[0], id="other", config="other.yaml"))
    records = {"one": RUNS, "two": [], "three": RUNS, "best": [record(1, 0.936)], "other": []}
    page = render(ours, records)
    assert [line(page, name)[-1] for name in ("one", "two", "three")] == [
        *("`best.yaml`<br>93.60", "`other.yaml`<br>not yet run", "-"),
    ]


def test_a_figure_of_training_batches_stands_beside_the_test() -> None:
    runs = [record(1, 0.97, **{"train/acc_before": 0.93}), record(2, 0.99, **{"train/acc_before": 0.95})]
    rows = table(published(measured_on="training batches about to be used"))
    page = render(rows, NONE | {"one": runs})
    assert line(page, "one")[6:8] == ["94.00 ± 1.41", "98.00 ± 1.41"]
    assert "ours, training batches about to be used | ours, whole test set" in page
    assert "The runs below read" not in page, "nothing was measured on a part of the test set"


def test_a_row_without_a_run_says_so() -> None:
    page = render(table(published(parameters=77, published=None)), NONE)
    assert line(page, "one")[2:] == ["77", "-", "not stated", "-", "-", "-", "-", "not yet run"]
    assert "Our recipe for the kind of network, `best.yaml`, is not yet run." in page


def test_a_row_with_some_of_its_runs_says_so() -> None:
    page = render(table(published()), NONE | {"one": RUNS[:1]})
    assert line(page, "one")[6:9] == ["71.00", "70.00", "1 of 2"]


def test_a_section_that_was_measured_on_all_images_has_no_column_for_the_first() -> None:
    page = render(table(published(measured_on="images not stated")), NONE | {"one": RUNS})
    assert line(page, "one")[4:8] == ["70.0 ± 1.00", "images not stated", "71.00 ± 1.41", "2"]


def test_a_column_that_repeats_itself_is_a_sentence() -> None:
    rows = [published(log=True), published(id="two", log=True), published(id="three", log=True, published=60.0)]
    records = NONE | {"one": RUNS, "two": RUNS[:1], "three": []}
    page = render(table(*rows), records)
    assert "\nThe same in all rows: network: a line; measured on: 2,000 test images (log).\n" in page
    assert line(page, "one") == [
        "`one`",
        "1,234",
        "10",
        "70.0 ± 1.00",
        *("72.00 ± 1.41", "71.00 ± 1.41", "2", "reproduced"),
    ]
    page = render(table(*rows[:2]), records)
    assert "The same" not in page
    assert line(page, "one")[1] == "a line"


def test_the_page_opens_with_the_reasons_of_what_is_short() -> None:
    page = render(table(published(published=99.0, short_because="a clock")), NONE | {"one": RUNS})
    assert "\nShort are:\n\n- `one`, short by 27.0: a clock.\n" in page
    assert "Short are" not in render(table(published()), NONE | {"one": RUNS})


def test_footnotes_are_numbered_and_tell_how_our_runs_differ() -> None:
    rows = [
        published(id="none", config="published/none.yaml"),
        published(remark="So it was."),
        published(id="two", options={"a.b": 3}, note="Why."),
        published(id="three"),
    ]
    page = render(table(*rows), {"none": [], "one": [], "two": [], "three": [], "best": []})
    assert "| `none` |" in page
    assert "| `one`<sup>1</sup> |" in page
    assert "| `two`<sup>2</sup> |" in page
    assert "| `three`<sup>3</sup> |" in page
    assert "\n1. So it was.\n2. Our runs are of `published/one.yaml` with `--a.b 3`. Why.\n" in page
    assert "\n3. Our runs are of `published/one.yaml` as it is.\n" in page


def test_rows_with_the_same_remark_share_its_footnote() -> None:
    page = render(
        table(published(remark="So."), published(id="two", config="published/two.yaml", remark="So.")),
        NONE | {"two": []},
    )
    assert "| `two`<sup>1</sup> |" in page
    assert "\n1. So.\n" in page
    assert "\n2. " not in page


def test_options_are_shown_as_they_are_typed() -> None:
    options = {"a.files": ["b c.txt", "d.txt"], "a.layers": {"one": 0.2}, "a.rate": 0.1}
    page = render(table(published(options=options)), NONE)
    typed = "--a.files '[b c.txt, d.txt]' --a.layers '{one: 0.2}' --a.rate 0.1"
    assert f"`{typed}`" in " ".join(page.split())
    values = [yaml.safe_load(word) for word in shlex.split(typed)[1::2]]
    assert values == list(options.values())


@pytest.mark.parametrize(
    ("number", "words"),
    [(74.1, "short by 2.1"), (73.9, "reproduced"), (69.9, "better by 2.1"), ("about 80", "-")],
)
def test_a_row_says_how_it_compares(number: object, words: str) -> None:
    page = render(table(published(published=number)), NONE | {"one": RUNS})
    assert line(page, "one")[-1] == words


def test_a_number_of_other_data_is_shown_and_not_compared() -> None:
    cells = line(
        render(table(published(published=2388855, compared=False, measured_count=None)), NONE | {"one": RUNS}), "one"
    )
    assert cells[-1] == "-"
    assert "2,388,855" in cells


def test_the_deviation_is_that_of_a_sample() -> None:
    assert mean_std([1.0, 2.0, 3.0], 2) == "2.00 ± 1.00"
    assert mean_std([1.0], 3) == "1.000"
    assert mean_std([], 2) == "-"
    assert mean_std([15088.63], 4) == "15,089"


def test_prose_is_narrow() -> None:
    lines = (FOLDER.parent / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    assert max(len(text) for text in lines if not text.startswith("|")) <= 120


def test_a_link_leads_to_a_heading_by_the_name_that_it_has_on_the_page() -> None:
    assert link_to("MNIST, XOR and `0-9`") == "[MNIST, XOR and `0-9`](#mnist-xor-and-0-9)"
