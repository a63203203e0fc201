"""What a task has to state: its methods, and its measures in the form in which others read them."""

from pytorch_lightning import LightningModule

from core.errors import InputError
from core.measures import Measure

FORM = 'write measures = (Measure("loss", "min"),), with the comma after a single one, too'


def check_stated(kind: type[LightningModule]) -> None:
    """Checks that the class of a task has all that its bases leave to it.

    Python refuses abstract methods by a metaclass that modules do not have, and what lists no measures lists none.

    Raises:
        InputError: A method is missing, or `measures` is not a tuple of measures.
    """
    for owner in kind.__mro__:
        missing = [name for name, value in vars(owner).items() if _is_abstract(value) and _is_abstract(kind, name)]
        if missing:
            words = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
            base = f"every {owner.__name__} has (see {owner.__module__})"
            raise InputError(f"{kind.__name__} lacks {words}, which {base}")
    listed = kind.measures
    if isinstance(listed, property):  # of the instance's arguments
        return
    if not isinstance(listed, tuple):
        raise InputError(f"{kind.__name__}.measures is a {type(listed).__name__}, and no tuple; {FORM}")
    if others := [entry for entry in listed if not isinstance(entry, Measure)]:
        raise InputError(f"{kind.__name__}.measures holds {others[0]!r}, which is no Measure; {FORM}")


def _is_abstract(owner: object, name: str = "") -> bool:
    """Returns whether a method, or that of a class by its name, is abstract."""
    return bool(getattr(getattr(owner, name, None) if name else owner, "__isabstractmethod__", False))
