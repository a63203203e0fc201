"""The table: published numbers, our runs beside them, and what these runs measure."""

import difflib
import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from core.errors import InputError
from core.measures import Measure
from engine.settings.config_files import find_config, read_config


@dataclass(frozen=True, kw_only=True)
class CountedMeasure(Measure):
    """What a row's runs are compared by, and how it is shown.

    Attributes:
        counts: Logged name of the value that counts, such as `test/acc`.
        columns: Logged values with columns of their own, by heading; a row is compared by that of its `measured_on`.
        shown: Logged values in the head of a config, each with the words that follow it; `{samples}` is the row's.
    """

    counts: str
    columns: dict[str, str]
    shown: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A figure known elsewhere for a kind of network.

    Attributes:
        figure: The figure, in percent where it is a share.
        what: The network and who measured it.
        url: Where that is written.
    """

    figure: float
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
        measure: What is measured; in the file, a name among `measures`, the first of them if not given.
        options: Settings that differ from the config's, by dotted key.
        weights_from: Row whose run of the same seed gives the weights to start from.
        judge: Row whose first run measures what this one's generate.
        elsewhere: A figure of others for its kind.
        note: A remark on our runs.
        folder: Name in `folders` of the data's folder; by the class of the data module if not given.
        samples: What is classified.
    """

    id: str
    network: str
    config: str
    seeds: list[int]
    minutes: float
    measure: CountedMeasure
    options: dict[str, Any] = field(default_factory=dict)
    weights_from: str | None = None
    judge: str | None = None
    elsewhere: Elsewhere | None = None
    note: str = ""
    folder: str | None = None
    samples: str = "images"

    @property
    def references(self) -> dict[str, str | None]:
        """Rows that this one refers to, by field."""
        return {"weights_from": self.weights_from, "judge": self.judge}

    @property
    def metric(self) -> str:
        """Logged name of the value that counts."""
        return self.measure.counts

    @property
    def flags(self) -> list[str]:
        """The options as words of a command line."""
        return [word for key, value in self.options.items() for word in (f"--{key}", _as_yaml(value))]

    @property
    def typed(self) -> str:
        """The options as they are typed in a shell."""
        return shlex.join(self.flags)


@dataclass(frozen=True, kw_only=True)
class Published(Recipe):
    """A published number and its repetition to the letter.

    Attributes:
        published: The number, in percent where it is a share; or words; None if none is stated.
        compared: Whether ours can be compared with it: it cannot where the data are others.
        measured_on: The samples behind it.
        measured_count: Their number, where it is known.
        log: Whether a log kept by the source shows it.
        parameters: The network's size by the source's description.
        strong: The recipe of ours for the same kind of network.
        same_as: Row with the very same protocol, whose runs are this row's too.
        remark: What the sources state about the number, or contradict.
    """

    published: float | str | None
    measured_on: str
    compared: bool = True
    measured_count: int | None = None
    log: bool = False
    parameters: int | None = None
    strong: str | None = None
    same_as: str | None = None
    remark: str = ""

    @property
    def references(self) -> dict[str, str | None]:
        """Rows that this one refers to, by field."""
        return super().references | {"strong": self.strong, "same_as": self.same_as}

    @property
    def number(self) -> float | None:
        """The published number that ours is compared with, if there is one."""
        return self.published if self.compared and isinstance(self.published, int | float) else None

    @property
    def standard_error(self) -> float | None:
        """The published share's binomial standard error in points, where the number of samples is known."""
        known = self.measured_count is not None and isinstance(self.published, int | float)
        return math.sqrt(self.published * (100 - self.published) / self.measured_count) if known else None

    @property
    def metric(self) -> str:
        """Logged name of the value that is measured as the published one."""
        return self.measure.columns.get(self.measured_on, self.measure.counts)


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


def _as_yaml(value: object) -> str:
    """Returns the value of an option in one line."""
    if isinstance(value, list | dict):
        return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf).strip()
    return str(value)
