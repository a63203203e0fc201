"""Rows and records of results, for tests of the page and its picture."""

from results.__main__ import FOLDER
from results.records import Record, Records
from results.rows import Elsewhere, Published, Recipe
from results.table import Section, Table
from results.table_file import read_table

ACCURACY = next(iter(read_table(FOLDER / "table.yaml"))).measure


def record(seed: int, accuracy: float, **metrics: float) -> Record:
    """Returns a record with these figures."""
    figures = {"test/acc": accuracy} | metrics
    return Record(seed, "VGG", 1234, 10, figures, 100.0 * seed, "a machine", "2.15.0", "class folders")


def published(**fields: object) -> Published:
    """Returns a row."""
    row = {"id": "one", "network": "a line", "config": "published/one.yaml", "seeds": [1, 2], "minutes": 1}
    row |= {
        "measure": ACCURACY,
        "published": 70.0,
        "measured_on": "2,000 test images",
        "measured_count": 2100,  # of which the standard error is 1
        "strong": "best",
    }
    return Published(**row | fields)


def table(*rows: Published) -> Table:
    """Returns a table of one section and one recipe."""
    elsewhere = Elsewhere(figure=94.2, what="a paper", url="https://a.paper")
    recipe = Recipe(
        id="best", network="a VGG", config="best.yaml", seeds=[1], minutes=1, measure=ACCURACY, elsewhere=elsewhere
    )
    groups = [Section("Ours", "", [recipe])]
    return Table([Section("All", "Text.", list(rows))], groups, "Our runs. {sources}")


FIRST = "test/acc_first_2000"
RUNS = [record(1, 0.70, **{FIRST: 0.71}), record(2, 0.72, **{FIRST: 0.73})]
NONE: Records = {"one": [], "best": []}
