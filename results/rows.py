"""The rows of the table: what was published, what we train, and what these runs measure."""

import math
import shlex
from dataclasses import dataclass, field
from typing import Any

import yaml

from core.measures import Measure


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
    """A published number and its repetition.

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
        short_because: Why ours is short, in a few words, as far as it is known; for a row that is short.
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
    short_because: str = ""

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


def _as_yaml(value: object) -> str:
    """Returns the value of an option in one line."""
    if isinstance(value, list | dict):
        return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf).strip()
    return str(value)
