"""What a view of a network is: pictures and tables with what there is to see in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from core.media import Medium


class NotShown(Exception):
    """A view makes no sense for this network or this data; the message says why."""


@dataclass(frozen=True)
class Shown:
    """A picture or a table of a view.

    Attributes:
        medium: The picture or table.
        caption: What it shows, in a sentence or two.
    """

    medium: Medium
    caption: str = ""


@dataclass(frozen=True)
class View:
    """One way to look at a trained network.

    Attributes:
        name: Its name, for `--only` and in the names of files.
        title: Its heading.
        text: What there is to see, and how it is made.
        make: Makes it of a `Subject`, a network and its data; raises `NotShown` where there is nothing to see.
    """

    name: str
    title: str
    text: str
    make: Callable[[Any], Iterator[Shown]]
