"""What a task has to state: its methods, and its measures in the form in which others read them."""

from pytorch_lightning import LightningModule

from core.abstract_methods import check_complete
from core.errors import InputError
from core.measures import Measure

FORM = 'write measures = (Measure("loss", "min"),), with the comma after a single one, too'


def check_stated(kind: type[LightningModule]) -> None:
    """Checks that the class of a task has all that its bases leave to it; what lists no measures lists none.

    Raises:
        InputError: A method is missing, or `measures` is not a tuple of measures.
    """
    check_complete(kind)
    listed = kind.measures
    if isinstance(listed, property):  # of the instance's arguments
        return
    if not isinstance(listed, tuple):
        raise InputError(f"{kind.__name__}.measures is a {type(listed).__name__}, and no tuple; {FORM}")
    if others := [entry for entry in listed if not isinstance(entry, Measure)]:
        raise InputError(f"{kind.__name__}.measures holds {others[0]!r}, which is no Measure; {FORM}")
