"""The table of `table.yaml`: what was published, and which of our runs stands beside it."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from core.errors import InputError
from engine.arguments import read_config


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The best accuracy known elsewhere for a kind of network.

    Attributes:
        accuracy: In percent.
        what: The network and who measured it.
        url: Where that is written.
    """

    accuracy: float
    what: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training of ours, repeated with several seeds.

    Attributes:
        id: Name of the row and of the folder of its records.
        network: The network in words.
        config: Name under `configs/`.
        seeds: Seeds to run.
        minutes: About how long a run takes; the cheapest are made first.
        options: Settings that differ from the config's, by dotted key.
        weights_from: Row whose run of the same seed gives the weights to start from.
        elsewhere: The best known of its kind.
        note: What is to be said of our runs.
        folder: Option of `python -m results run` that names the data's folder, without its `_dir`, where the class of
            the data module does not tell it.
        samples: What is classified.
        measure: What is measured: `accuracy` on the test set, or a language model's `loss` in validation.
    """

    id: str
    network: str
    config: str
    seeds: list[int]
    minutes: float
    options: dict[str, Any] = field(default_factory=dict)
    weights_from: str | None = None
    elsewhere: Elsewhere | None = None
    note: str = ""
    folder: str | None = None
    samples: str = "images"
    measure: Literal["accuracy", "loss"] = "accuracy"

    @property
    def metric(self) -> str:
        """The figure of a record that counts."""
        return "test/acc" if self.measure == "accuracy" else "val/loss"

    @property
    def flags(self) -> list[str]:
        """The options as words of a command line."""
        return [word for key, value in self.options.items() for word in (f"--{key}", str(value))]


@dataclass(frozen=True, kw_only=True)
class Published(Recipe):
    """A published number and its repetition to the letter.

    Attributes:
        published: Accuracy in percent, or loss, or in words; None if none is stated.
        measured_on: The images behind it.
        standard_error: Its binomial standard error in points, where the number of images is known.
        log: Whether a log kept by the source shows it.
        parameters: The network's size by the source's description.
        strong: The recipe of ours for the same kind of network.
        same_as: Row with the very same protocol, whose runs are this row's too.
        remark: What the sources tell, or contradict, of the number.
    """

    published: float | str | None
    measured_on: str
    standard_error: float | None = None
    log: bool = False
    parameters: int | None = None
    strong: str | None = None
    same_as: str | None = None
    remark: str = ""

    @property
    def metric(self) -> str:
        """The figure of a record that is measured as the published one."""
        return "test/acc_first_2000" if self.measured_on == "first 2,000" else super().metric


@dataclass(frozen=True)
class Section:
    """A table of the page.

    Attributes:
        title: Its heading.
        text: What holds for all of its rows.
        rows: The rows, in order.
    """

    title: str
    text: str
    rows: list[Published]


@dataclass(frozen=True)
class Run:
    """A row's run with one seed."""

    row: Recipe
    seed: int

    def __str__(self) -> str:
        return f"{self.row.id}/{self.seed}"


@dataclass(frozen=True)
class Table:
    """All rows.

    Attributes:
        sections: Published numbers.
        recipes: Our recipes.
    """

    sections: list[Section]
    recipes: list[Recipe]

    def __iter__(self) -> Iterator[Recipe]:
        yield from (row for section in self.sections for row in section.rows)
        yield from self.recipes

    def __getitem__(self, name: str) -> Recipe:
        rows = {row.id: row for row in self}
        if name not in rows:
            near = difflib.get_close_matches(name, rows, n=3)
            raise InputError(f"{name}: no row of the table" + (f"; nearest: {', '.join(near)}" if near else ""))
        return rows[name]

    def source(self, row: Recipe) -> Recipe:
        """Returns the row whose runs count for a row: itself, or the one it is the same as."""
        return self[row.same_as] if isinstance(row, Published) and row.same_as else row

    def runs(self) -> list[Run]:
        """Lists the runs to be made, the cheapest first."""
        runs = [Run(row, seed) for row in self if self.source(row) is row for seed in row.seeds]
        return sorted(runs, key=lambda run: run.row.minutes)


def read_table(path: Path) -> Table:
    """Reads the table.

    Raises:
        InputError: A row lacks a field, has one too many, or names a row that is not there.
    """
    content = read_config(path)
    sections = [
        Section(part["title"], part["text"], [_row(Published, row, path) for row in part["rows"]])
        for part in content["sections"]
    ]
    table = Table(sections, [_row(Recipe, row, path) for row in content["recipes"]])
    names = [row.id for row in table]
    for row in table:
        if names.count(row.id) > 1:
            raise InputError(f"{path}: two rows are called {row.id}")
        for reference in ("weights_from", "strong", "same_as"):
            name = getattr(row, reference, None)
            if name is not None and name not in names:
                raise InputError(f"{path}: {row.id}: {reference} {name} is no row")
    return table


def _row(kind: type[Recipe], content: dict[str, Any], path: Path) -> Recipe:
    name = content.get("id", "a row without id")
    row = {"config": f"published/{name}.yaml" if kind is Published else f"{name}.yaml"} | content
    if "elsewhere" in row:
        row["elsewhere"] = _fill(Elsewhere, row["elsewhere"], f"{path}: {name}: elsewhere")
    return _fill(kind, row, f"{path}: {name}")


def _fill(kind: type, content: dict[str, Any], where: str) -> Any:
    known = {entry.name for entry in fields(kind)}
    if unknown := sorted(content.keys() - known):
        raise InputError(f"{where}: unknown field {unknown[0]}; there are {', '.join(sorted(known))}")
    try:
        return kind(**content)
    except TypeError as error:  # names the missing arguments
        raise InputError(f"{where}: {str(error).partition('() ')[2]}") from error
