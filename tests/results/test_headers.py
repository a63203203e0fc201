"""The heads of the configs: they say what the records say."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from results.__main__ import FOLDER
from results.figures import show
from results.headers import headers, write_headers
from results.records import Record, read_records
from results.rows import Recipe
from results.table import Section, Table
from results.table_file import read_table

ACCURACY = next(iter(read_table(FOLDER / "table.yaml"))).measure
HEAD = """\
# A net.
#
#   python cli.py fit --config one.yaml
#
# Not yet run.
#
# Why it is so.
model: a
"""


def record(seed: int, accuracy: float, **metrics: float) -> Record:
    """Returns a record with these figures."""
    figures = {"test/acc": accuracy} | metrics
    return Record(seed, "VGG", 1234, 10, figures, 100.0 * seed, "a machine, 2 threads", "2.15.0", "class folders")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config that has not been run."""
    path = tmp_path / "one.yaml"
    path.write_text(HEAD)
    return path


def recipe(config: Path, name: str = "one", **fields: object) -> Recipe:
    """Returns a row of that config."""
    row = {"id": name, "network": "a net", "config": str(config), "seeds": [1, 3], "minutes": 1, "measure": ACCURACY}
    return Recipe(**row | fields)


def table_of(*rows: Recipe) -> Table:
    """Returns a table of these rows."""
    return Table([], [Section("All", "", list(rows))])


def test_the_heads_of_all_configs_agree_with_the_records() -> None:
    table = read_table(FOLDER / "table.yaml")
    for path, text in headers(table, read_records(FOLDER, table)).items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: python -m results page writes it anew"


def test_a_head_says_what_was_measured_and_nothing_else_changes(config: Path) -> None:
    table = table_of(recipe(config))
    write_headers(table, {"one": [record(1, 0.7, **{"val/acc": 0.71}), record(3, 0.72, **{"val/acc": 0.73})]})
    measured = (
        "# Measured: 71.00 ± 1.41 % of all test images, 72.00 ± 1.41 % in validation "
        "(n = 2, seeds 1, 3; 200 s on a machine, 2\n"
        "#   threads; torch 2.15.0).\n"
    )
    assert config.read_text() == HEAD.replace("# Not yet run.\n", measured)


def test_a_head_is_replaced_and_taken_back(config: Path) -> None:
    table = table_of(recipe(config))
    for records in ([record(1, 0.7)], [record(3, 0.9)], []):
        write_headers(table, {"one": records})
    assert config.read_text() == HEAD


def test_a_head_names_all_machines_and_releases(config: Path) -> None:
    others = [replace(record(seed, 0.7), hardware="Another", torch="2.16.0", seconds=10.0 * seed) for seed in (3, 5)]
    runs = [record(1, 0.7), *others]
    write_headers(table_of(recipe(config)), {"one": runs})
    head = " ".join(config.read_text().replace("\n#  ", "").split())
    assert "40 s on Another and 100 s on a machine, 2 threads; torch 2.15.0 and 2.16.0)" in head


def test_a_config_of_several_rows_shows_each_with_its_options(config: Path) -> None:
    rows = [
        recipe(config),
        recipe(config, "again"),
        recipe(config, "short", options={"trainer.max_steps": 5}, weights_from="one"),
        recipe(config, "long", options={"trainer.max_steps": 500}),
        recipe(config, "other"),
    ]
    runs = [record(1, 0.7)]
    table, records = table_of(*rows), {"one": runs, "again": runs, "short": [record(1, 0.5)], "long": [], "other": []}
    write_headers(table, records)
    head = config.read_text()
    assert "# Measured with --trainer.max_steps 5 --weights of a run of one: 50.00 %" in head
    assert head.count("# Measured: 70.00 %") == 1  # of two rows with the same runs
    assert head.count("# Not yet run: long (--trainer.max_steps 500), other.\n") == 1
    write_headers(table, records)
    assert config.read_text() == head


def test_a_head_without_a_place_for_it_is_an_error(config: Path) -> None:
    config.write_text("# A net.\nmodel: a\n")
    with pytest.raises(InputError, match="its head needs a line"):
        headers(table_of(recipe(config)), {"one": []})


def test_a_loss_beside_a_share_is_no_percentage() -> None:
    measure = replace(ACCURACY, shown={"test/acc": "% right", "train/loss": "nats a word"})
    records = [record(1, 0.5, **{"train/loss": 2.889})]
    assert show(records, "test/acc", measure) == "50.00"
    assert show(records, "train/loss", measure) == "2.89"
