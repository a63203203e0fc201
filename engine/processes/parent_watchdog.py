"""Imported first by the process that commands are forked from: it ends with its starter also while it imports.

Python's own server looks for that only once everything has been imported, which takes many seconds on a busy machine.
"""

import os
import threading

STARTER = "PRIMER_STARTER"  # environment variable: number of the process that starts the one with the imports
LOOK_EVERY = 0.1  # seconds

_over = threading.Event()
_watches: list[threading.Thread] = []


def _end_with(starter: int) -> None:
    """Ends this process, which holds nothing that is to be saved, as soon as its starter has ended."""
    while not _over.wait(LOOK_EVERY):
        if os.getppid() != starter:
            os._exit(1)


def end_watch() -> None:
    """Ends the watch when all is imported, before anything is forked, which must not find another thread."""
    _over.set()
    for watch in _watches:
        watch.join()


if STARTER in os.environ:
    _watches.append(threading.Thread(target=_end_with, args=(int(os.environ.pop(STARTER)),), daemon=True))
    _watches[0].start()
