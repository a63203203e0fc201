"""Figures of the lessons are those of the records, in every language."""

from math import sqrt
from pathlib import Path
from statistics import mean

import pytest

from core.errors import InputError
from results.lessons import pages
from results.records import read_records
from results.studies import read_studies
from results.table_file import read_table
from tests.processes import ROOT
from tests.results.lesson_figures import Claim, claims, unnamed

LESSONS = ROOT / "docs" / "lessons"
PAGES = [*pages(LESSONS), *pages(LESSONS / "zh")]
TABLE = read_table(ROOT / "results" / "table.yaml")
RECORDS = read_records(ROOT / "results", TABLE)
STUDIES = read_studies(ROOT / "results")


def of_seeds(study: str, label: str, metric: str) -> list[float]:
    """Returns a value of each seed of a study's point."""
    (values,) = (point.values(metric) for point in STUDIES[study].points if point.label == label)
    return values


def percent_above(width: int) -> float:
    """Returns by how many points the training accuracy of so many hidden units is above that in validation."""
    train, val = (of_seeds("hidden_units", f"widths=[{width}]", f"{part}/acc") for part in ("train", "val"))
    return 100 * (mean(train) - mean(val))


def loss_above(width: int) -> float:
    """Returns by how much the validation loss of so many hidden units is above that in training."""
    train, val = (of_seeds("hidden_units", f"widths=[{width}]", f"{part}/loss") for part in ("train", "val"))
    return mean(val) - mean(train)


GAPS = [f"{percent_above(width):.1f}" for width in (8, 32, 128, 512, 1024)]
REACHES = {
    cell: [f"{reach:.0f}" for reach in of_seeds("recurrent_cells", f"cell={cell}", "train/gradient_reach")]
    for cell in ("rnn", "lstm", "gru")
}
LOSSES = {cell: of_seeds("recurrent_cells", f"cell={cell}", "val/loss")[1] for cell in ("rnn", "lstm")}  # of seed 2
PAIRED = sqrt(300) / 2000  # the standard error of a difference that 300 of 2,000 pictures make
TOLD = {
    "07-overfitting.md": [
        f"{', '.join(GAPS[:-1])} and {GAPS[-1]} points above",
        f"from {loss_above(8):.2f} to {loss_above(1024):.2f}",
    ],
    "09-recurrent-gradients.md": [
        *(f"{', '.join(reaches[:-1])} and {reaches[-1]}" for reaches in REACHES.values()),
        f"With seed 2 the LSTM reaches {REACHES['lstm'][1]} letters back",
        f"its loss is {LOSSES['lstm']:.3f} against {LOSSES['rnn']:.3f}",
    ],
    "10-reading-a-number.md": [
        f"sqrt(300) / 2000, {100 * PAIRED:.2f} points, and about {200 * PAIRED:.1f} are needed",
        f"({100 * PAIRED:.2f} / 0.15)² times as many, about {(PAIRED / 0.0015) ** 2 * 2:.0f},000",
    ],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(LESSONS).as_posix())
def test_every_figure_is_of_a_record_or_was_published(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not [claim for claim in claims(text, TABLE, RECORDS, STUDIES) if not claim.holds]
    assert not unnamed(text)


@pytest.mark.parametrize(("page", "told"), [(page, told) for page, all_told in TOLD.items() for told in all_told])
def test_what_is_computed_from_records_is_told(page: str, told: str) -> None:
    assert told in " ".join((LESSONS / page).read_text(encoding="utf-8").split())


def test_figures_of_both_languages_are_the_same() -> None:
    for page in pages(LESSONS):
        both = [path.read_text(encoding="utf-8") for path in (page, LESSONS / "zh" / page.name)]
        english, chinese = (sorted(claims(text, TABLE, RECORDS, STUDIES)) for text in both)
        assert english == chinese, page.name


def test_a_figure_that_is_none_is_found() -> None:
    text = (
        "**99.0 %** (`xor_mlp`, n 3), **100.00 ± 0.00 %** (`xor_mlp`, n 2), *51.5 %* (`cifar2_logistic_raw`), 12.34 %"
    )
    found = list(claims(text, TABLE, RECORDS, STUDIES))
    assert [claim.holds for claim in found] == [False, False, False]
    assert found[1] == Claim("xor_mlp", "100.00 ± 0.00, n 2", "100.00 ± 0.00, n 3", False)
    assert unnamed(text) == ["12.34 %"]
    (right,) = claims("**1.428 ± 0.005** (`char_rnn`, n 3, `test/loss`)", TABLE, RECORDS, STUDIES)
    assert right.holds
    (right,) = claims("**1.428\n± 0.005** (`char_rnn`, n 3,\n`test/loss`)", TABLE, RECORDS, STUDIES)
    assert right.holds
    (right,) = claims("*82.450 %* (`cifar10_vgg_bn`)", TABLE, RECORDS, STUDIES)
    assert right.holds


def test_a_row_without_a_record_or_a_published_number_is_refused() -> None:
    with pytest.raises(InputError, match="it has no record"):
        list(claims("**1.0 %** (`dcgan_svhn`, n 1)", TABLE, RECORDS, STUDIES))
    with pytest.raises(InputError, match="nothing was published"):
        list(claims("*1.0 %* (`vgg_bn`)", TABLE, RECORDS, STUDIES))
