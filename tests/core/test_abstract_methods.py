"""What a subclass lacks is told, and by which base it is asked for."""

from abc import abstractmethod

import pytest
from pytorch_lightning import LightningDataModule

from core.abstract_methods import check_complete, left_to_subclasses
from core.errors import InputError


class Base(LightningDataModule):
    """Leaves three methods to others."""

    @abstractmethod
    def read(self) -> int:
        """Returns a number."""

    @abstractmethod
    def write(self, number: int) -> None:
        """Takes one."""

    @left_to_subclasses
    def check(self, number: int) -> bool:
        """Tells whether a number is right."""


class Reader(Base):
    """Has one of them."""

    def read(self) -> int:
        """Returns 1."""
        return 1


class Whole(Reader):
    """Has them all."""

    def write(self, number: int) -> None:
        """Forgets it."""

    def check(self, number: int) -> bool:
        """Takes every number."""
        return True


def test_missing_methods_are_named_with_the_base_that_asks_for_them() -> None:
    with pytest.raises(InputError) as refused:
        check_complete(Reader)
    assert str(refused.value) == f"Reader lacks write and check, which every Base has (see {__name__})"
    with pytest.raises(InputError, match=r"^Base lacks read, write and check, which"):
        check_complete(Base)
    check_complete(Whole)


def test_a_method_that_may_be_missing_is_asked_for_as_it_is_called() -> None:
    with pytest.raises(InputError) as refused:
        Reader().check(3)
    assert str(refused.value) == f"Reader lacks check, which every Base has (see {__name__})"
    assert Whole().check(3)
    assert Base.check.__doc__ == "Tells whether a number is right."
