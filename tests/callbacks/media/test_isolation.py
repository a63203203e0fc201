"""Media that a model or a data module makes: its faults are told in one line that names it."""

from collections.abc import Iterable, Iterator

import pytest

from callbacks.media.isolation import media_of
from core.errors import InputError, RunFailed
from core.media import Medium, Text


class Maker:
    """Makes a text in one method, and fails in the others."""

    def text(self, step: int) -> Iterator[Medium]:
        yield Text(name="notes", step=step, text="a")

    def nothing(self, step: int) -> None:
        pass

    def fails_later(self, step: int) -> Iterator[Medium]:
        yield Text(name="notes", step=step, text="a")
        raise KeyError("b")

    def words(self, step: int) -> Iterable[str]:
        return ["a"]

    def refuses(self, step: int) -> Iterable[Medium]:
        raise InputError("no such file")


def test_what_is_made_is_returned() -> None:
    assert [medium.step for medium in media_of(Maker(), "text", 3)] == [3]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("nothing", "Maker.nothing fails: TypeError: 'NoneType' object is not iterable"),
        ("fails_later", "Maker.fails_later fails: KeyError: 'b'"),
        ("words", "Maker.words gives str, which is no medium of core.media"),
    ],
)
def test_a_fault_names_the_method(method: str, message: str) -> None:
    with pytest.raises(RunFailed, match=message):
        media_of(Maker(), method, 3)


def test_an_error_that_says_everything_is_left_as_it_is() -> None:
    with pytest.raises(InputError, match=r"^no such file$"):
        media_of(Maker(), "refuses", 3)
