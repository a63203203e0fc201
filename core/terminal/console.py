"""Console output, printed by the first process alone."""

import sys

from pytorch_lightning.utilities import rank_zero_only
from tqdm import tqdm

from core.terminal.printable import encoding_of, printable
from core.terminal.streams import LastingStream


@rank_zero_only
def print_line(line: str) -> None:
    """Prints a line, above the progress bar if there is one; see `printable`.

    Where nobody takes it (a closed pipe, a full disk) it is dropped.
    """
    stream = sys.stdout if isinstance(sys.stdout, LastingStream) else LastingStream(sys.stdout)
    if sys.stdout is not None:
        tqdm.write(printable(line, encoding_of(sys.stdout)), file=stream)
        stream.flush()


def bar_is_hidden(wanted: bool) -> bool | None:
    """Returns what tqdm takes as `disable`: a bar that is wanted is shown on a terminal, and in a notebook."""
    if not wanted:
        return True
    return False if in_notebook() else None  # None: not on a terminal


def in_notebook() -> bool:
    """Returns whether this process is the kernel of a notebook, which shows a bar although it has no terminal."""
    kernel = sys.modules.get("ipykernel.kernelapp")  # a process that starts a kernel imports other parts of ipykernel
    return kernel is not None and kernel.IPKernelApp.initialized()
