"""Console output, printed by the first process alone."""

import sys

from pytorch_lightning.utilities import rank_zero_only
from tqdm import tqdm

from core.printable import encoding_of, printable
from core.streams import LastingStream


@rank_zero_only
def print_line(line: str) -> None:
    """Prints a line, above the progress bar if there is one; see `printable`.

    Where nobody takes it (a closed pipe, a full disk) it is dropped.
    """
    stream = sys.stdout if isinstance(sys.stdout, LastingStream) else LastingStream(sys.stdout)
    if sys.stdout is not None:
        tqdm.write(printable(line, encoding_of(sys.stdout)), file=stream)
        stream.flush()


def format_duration(seconds: float) -> str:
    """Returns a duration as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration_in_words(seconds: float) -> str:
    """Returns a duration in words, as `45 s`, `24 min` or `1.7 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def in_notebook() -> bool:
    """Returns whether this process is the kernel of a notebook, which shows a bar although it has no terminal."""
    kernel = sys.modules.get("ipykernel.kernelapp")  # a process that starts a kernel imports other parts of ipykernel
    return kernel is not None and kernel.IPKernelApp.initialized()
