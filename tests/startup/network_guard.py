"""Refuses every connection but to this machine, and notes it; without an import that an interpreter's start lacks."""

import os
import sys

ATTEMPTS = "PRIMER_TESTS_ATTEMPTS"  # environment variable: file that notes what a test tried to reach
HERE = ("::1", "localhost", "0.0.0.0", "::")


def keep_off_the_network() -> None:
    """Makes every connection but to this machine an error for the rest of this process, and notes it.

    The product turns such an error into a line of its own, which a test alone would not tell from another.
    """
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host, error = arguments[0], "gaierror"
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host, error = arguments[1][0], "error"
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or not name or _is_here(name):
        return
    with open(os.environ.get(ATTEMPTS, os.devnull), "a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    raise getattr(sys.modules["socket"], error)(f"a test tried to reach {name}")


def _is_here(host: str) -> bool:
    return host in (*HERE, sys.modules["socket"].gethostname()) or host.startswith("127.")
