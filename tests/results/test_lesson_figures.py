"""Figures of the lessons are those of the records, in every language."""

from pathlib import Path

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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(LESSONS).as_posix())
def test_every_figure_is_of_a_record_or_was_published(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not [claim for claim in claims(text, TABLE, RECORDS, STUDIES) if not claim.holds]
    assert not unnamed(text)


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
