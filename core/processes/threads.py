"""How the threads of a CPU wait for each other, and for how many processes it has cores."""

import os

from core.terminal.printable import counted

CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")  # environment variables by which a user decides it
MOST_PROCESSES = 4  # for each core, beyond which they only take memory


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def too_many(processes: int) -> str:
    """Returns why so many processes that compute make no sense on this machine; an empty text if they may."""
    most = MOST_PROCESSES * cores()
    if processes <= most:
        return ""
    return f"as many processes for {counted(cores(), 'core')}, which would only wait; at most {most}"


def let_waiting_threads_sleep() -> None:
    """Makes threads of GNU OpenMP, which torch uses on Linux, sleep at once while they wait; unless a user has decided.

    By default they spin for milliseconds. Where another process needs the core, its time goes to the spinning thread,
    while the one that all wait for is not run. It acts on a torch that is imported later, and on child processes.
    """
    if not any(name in os.environ for name in CHOICES):
        os.environ["GOMP_SPINCOUNT"] = "0"
