"""Commands as people type them, quoted as the shells of their system need it."""

import shlex
import sys


def as_typed(*words: str) -> str:
    """Returns words of a command as they are typed, in a shell of Unix or of Windows."""
    if sys.platform == "win32":
        from subprocess import list2cmdline  # which a start of the command need not wait for

        return list2cmdline(words)
    return shlex.join(words)
