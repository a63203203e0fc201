"""The table: published numbers, our recipes, and the runs that they are to have."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.errors import InputError
from engine.settings.config_files import find_config, read_config
from results.rows import Published, Recipe


@dataclass(frozen=True)
class Section:
    """Rows under one heading.

    Attributes:
        title: The heading.
        text: What holds for all of its rows.
        rows: The rows, in order.
    """

    title: str
    text: str
    rows: list[Recipe]


@dataclass(frozen=True)
class Run:
    """A row's run with one seed."""

    row: Recipe
    seed: int

    def __str__(self) -> str:
        return f"{self.row.id}/{self.seed}"


@dataclass(frozen=True)
class Folder:
    """A folder of data, which `python -m results run` is given as `--<name>_dir`.

    Attributes:
        holds: What is in it.
        module: Class of the data modules that read it, where rows need not name the folder.
    """

    holds: str
    module: str | None = None


@dataclass(frozen=True)
class Table:
    """All rows.

    Attributes:
        sections: Published numbers.
        groups: Our recipes.
        introduction: Paragraphs at the top of the page; `{sources}` becomes where the data of the runs came from.
        folders: Folders of data by name.
        layouts: How data can lie in a folder, as data modules report it behind the folder's name.
        retired: Settings that networks or data sets had once, at the value that changed nothing.
        findings: What is to be learned of each study in `configs/studies/`, by name; of one without a record, why.
    """

    sections: list[Section]
    groups: list[Section]
    introduction: str = ""
    folders: dict[str, Folder] = field(default_factory=dict)
    layouts: list[str] = field(default_factory=list)
    retired: dict[str, Any] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recipe]:
        yield from (row for section in [*self.sections, *self.groups] for row in section.rows)

    def __getitem__(self, name: str) -> Recipe:
        rows = {row.id: row for row in self}
        if name not in rows:
            near = difflib.get_close_matches(name, rows, n=3)
            raise InputError(f"{name}: no row of the table" + (f"; nearest: {', '.join(near)}" if near else ""))
        return rows[name]

    @property
    def recipes(self) -> list[Recipe]:
        """Our recipes, in order."""
        return [row for group in self.groups for row in group.rows]

    def source(self, row: Recipe) -> Recipe:
        """Returns the row whose runs count for a row: itself, or the one it is the same as."""
        return self[row.same_as] if isinstance(row, Published) and row.same_as else row

    def runs(self) -> list[Run]:
        """Lists the runs to be made, the cheapest first."""
        runs = [Run(row, seed) for row in self if self.source(row) is row for seed in row.seeds]
        return sorted(runs, key=lambda run: run.row.minutes)

    def named(self, name: str) -> list[Run]:
        """Returns the runs that a name means: those of a row, or `<row>/<seed>`, as runs are listed.

        Raises:
            InputError: The table has no such row, or the row no such seed.
        """
        identifier, slash, seed = name.partition("/")
        row = self.source(self[identifier])
        runs = [Run(row, planned) for planned in row.seeds if not slash or str(planned) == seed]
        if not runs:
            raise InputError(f"{name}: no run of the table; {row.id} has the seeds {', '.join(map(str, row.seeds))}")
        return runs

    def folder(self, row: Recipe) -> str | None:
        """Returns the name of the folder that a row's data is in, None if its data needs none."""
        if row.folder:
            return row.folder
        module = read_config(find_config(row.config))["data"]["class_path"].rpartition(".")[2]
        return next((name for name, folder in self.folders.items() if folder.module == module), None)
