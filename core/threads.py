"""How the threads of a CPU wait for each other."""

import os

CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")  # environment variables by which a user decides it


def let_waiting_threads_sleep() -> None:
    """Makes threads of GNU OpenMP, which torch uses on Linux, sleep at once while they wait; unless a user has decided.

    By default they spin for milliseconds. Where another process needs the core, its time goes to the spinning thread,
    while the one that all wait for is not run. It acts on a torch that is imported later, and on child processes.
    """
    if not any(name in os.environ for name in CHOICES):
        os.environ["GOMP_SPINCOUNT"] = "0"
