"""Names of files and folders that begin with `~`."""

import os
from os import PathLike
from pathlib import Path


def from_home(name: str | PathLike[str]) -> Path:
    """Returns a path whose `~` or `~user` at the beginning has become a home.

    Where there is no such user, it is the beginning of a file's name, such as `~$draft.txt`, and stays as it is.
    (`Path.expanduser` raises a RuntimeError there.)

    Args:
        name: What is named.
    """
    return Path(os.path.expanduser(name))
