"""The table: its rows are whole and can be run, and mistakes in it are named."""

import inspect
from pathlib import Path

import pytest
import yaml

import lightning_modules
from core.errors import InputError
from core.measures import measures_of
from engine.settings.config_names import CONFIGS
from results.__main__ import FOLDER
from results.overview import verdict
from results.records import read_records
from results.settings import stated
from results.studies import read_studies
from results.table_file import read_table

TABLE = read_table(FOLDER / "table.yaml")
MEASURES = {
    "accuracy": {
        **{"name": "acc", "better": "max", "unit": "%", "digits": 2, "counts": "test/acc", "shown": {}},
        "columns": {"first 2,000": "test/acc_first"},
    },
    "loss": {"name": "loss", "better": "min", "counts": "val/loss", "columns": {}, "shown": {}},
}
ROW = {"id": "one", "network": "a line", "seeds": [42], "minutes": 1, "published": 50.0, "measured_on": "first 2,000"}


def write(path: Path, *rows: dict) -> Path:
    """Writes a table of a single section."""
    content = {"sections": [{"title": "All", "text": "Text.", "rows": list(rows)}], "recipes": [], "measures": MEASURES}
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_row_has_a_config_and_seeds() -> None:
    for row in TABLE:
        assert str(stated(row)["data.class_path"]).startswith("datamodules."), row.id
        assert row.seeds[0] == 42, row.id
        assert len(set(row.seeds)) == len(row.seeds), row.id
        assert row.minutes > 0, row.id


def test_a_row_is_compared_by_what_its_model_measures() -> None:
    for row in TABLE:
        model = getattr(lightning_modules, str(stated(row)["model.class_path"]).rpartition(".")[2])
        if not isinstance(inspect.getattr_static(model, "measures"), property):  # which follow from its data
            measure = measures_of(model)[row.measure.name]
            measured = (row.measure.better, row.measure.unit == "%")
            assert (measure.better, measure.unit == "%") == measured, row.id


def test_every_published_config_has_a_row() -> None:
    configs = {f"published/{path.name}" for path in (CONFIGS / "published").glob("*.yaml")}
    assert configs <= {row.config for row in TABLE}


def test_every_strong_recipe_has_a_row() -> None:
    assert {path.name for path in CONFIGS.glob("*.yaml")} <= {row.config for row in TABLE.recipes}


def test_a_row_that_falls_short_or_was_not_run_says_why() -> None:
    records = read_records(FOLDER, TABLE)
    short = [
        *(row for row in TABLE if not records[row.id]),
        *(row for part in TABLE.sections for row in part.rows if verdict(row, records[row.id]) == "short"),
    ]
    assert [row.id for row in short if not row.note] == []
    assert [row.id for row in TABLE if records[row.id] and "Not yet run" in row.note] == []
    studies = read_studies(FOLDER)
    assert [name for name, why in TABLE.findings.items() if name not in studies and not why] == []


def test_a_row_that_is_the_same_as_another_has_its_seeds() -> None:
    for row in TABLE:
        assert row.seeds == TABLE.source(row).seeds
        assert TABLE.source(TABLE.source(row)) is TABLE.source(row)


def test_runs_come_cheapest_first_and_once(tmp_path: Path) -> None:
    rows = [ROW | {"seeds": [42, 1], "minutes": 5}, ROW | {"id": "two"}, ROW | {"id": "three", "same_as": "one"}]
    table = read_table(write(tmp_path / "table.yaml", *rows))
    assert [str(run) for run in table.runs()] == ["two/42", "one/42", "one/1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sedes": [1]}, "one: unknown field sedes; there are compared, config, "),
        ({"strong": "vgg"}, "one: strong vgg is no row"),
        ({"same_as": "vgg"}, "one: same_as vgg is no row"),
        ({"measure": "perplexity"}, "one: measure perplexity is none of accuracy, loss"),
        ({"folder": "films"}, "one: folder films is none of "),
        ({"weights_from": "vgg"}, "one: weights_from vgg is no row"),
        (
            {"elsewhere": {"figure": 99.0}},
            "one: elsewhere: missing 2 required keyword-only arguments: 'what' and 'url'",
        ),
    ],
)
def test_a_mistake_in_a_row_is_named(change: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="table.yaml: " + message):
        read_table(write(tmp_path / "table.yaml", ROW | change))


@pytest.mark.parametrize("missing", ["network", "seeds", "minutes", "published", "measured_on"])
def test_a_row_lacks_nothing(missing: str, tmp_path: Path) -> None:
    row = {name: value for name, value in ROW.items() if name != missing}
    with pytest.raises(InputError, match=f"one: missing 1 required keyword-only argument: '{missing}'"):
        read_table(write(tmp_path / "table.yaml", row))


def test_a_row_is_compared_by_what_the_published_number_was_measured_on(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"id": "two", "measured_on": "all"}, ROW | {"id": "three", "measure": "loss"}]
    table = read_table(write(tmp_path / "table.yaml", *rows))
    assert [row.metric for row in table] == ["test/acc_first", "test/acc", "val/loss"]


def test_a_row_has_the_folder_of_its_data_module_unless_it_names_one() -> None:
    assert [TABLE.folder(TABLE[name]) for name in ("vgg_bn", "lenet5", "imdb_lstm", "xor_mlp")] == [
        *("data", "mnist", "imdb", None)
    ]


def test_two_rows_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two rows are called one"):
        read_table(write(tmp_path / "table.yaml", ROW, ROW))


def test_an_unknown_row_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"cifar10_vg: no row of the table; nearest: cifar10_vgg,"):
        TABLE["cifar10_vg"]
