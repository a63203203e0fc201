"""Objects know the arguments that they were made with."""

import copy
import pickle
from typing import Any

import pytest

from core.kept_arguments import KeepsArguments


class Base:
    def __init__(self, size: int, colour: str = "red") -> None:
        self.size, self.colour = size, colour


class Kept(KeepsArguments, Base):
    def __init__(self, name: str, depth: int = 2, **others: Any) -> None:
        super().__init__(**others)
        self.name = name
        depth += 1


def test_arguments_are_kept_as_they_were_given() -> None:
    made = Kept("a", size=3)
    assert made.kept_arguments == {"name": "a", "depth": 2, "size": 3}
    assert Kept(name="b", depth=5, size=1, colour="blue").kept_arguments["colour"] == "blue"


def test_copies_keep_them() -> None:
    made = Kept("a", size=3)
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other.kept_arguments == made.kept_arguments
        assert other.name == "a"


def test_wrong_arguments_are_still_told_by_the_constructor() -> None:
    with pytest.raises(TypeError, match="name"):
        Kept(size=3)
