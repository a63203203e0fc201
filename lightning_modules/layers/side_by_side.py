"""Parts of a step side by side, in threads of Python of which each has one of torch's.

Torch divides one operation after the other among its threads, which wait for each other at the end of each, and small
operations it does not divide. Rows of operations that do not need each other are better divided as wholes.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any

import torch

CPU = torch.device("cpu")


def side_by_side(tasks: Sequence[Callable[[], Any]], device: torch.device = CPU) -> list[Any]:
    """Runs tasks without gradients, in as many threads as torch has; with one thread, one after the other.

    They begin in their order. Operations of torch release Python's lock while they work.

    Args:
        tasks: The tasks.
        device: Where they compute; one that is no CPU gets them one after the other.

    Returns:
        What they return, in their order.
    """
    before = torch.get_num_threads()
    threads = min(before, len(tasks)) if device.type == "cpu" else 1
    found: list[Any] = [None] * len(tasks)
    left = deque(enumerate(tasks))

    @torch.no_grad()  # which is a matter of each thread
    def work() -> None:
        while left:
            try:
                place, task = left.popleft()
            except IndexError:  # another thread took the last one
                return
            found[place] = task()

    if threads <= 1:
        work()
        return found
    torch.set_num_threads(1)
    helpers = [_helpers(os.getpid(), before).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        left.clear()
        wait(helpers)
        torch.set_num_threads(before)
    for helper in helpers:
        helper.result()  # or its error
    return found


@cache
def _helpers(process: int, threads: int) -> ThreadPoolExecutor:
    """Returns the threads that wait for tasks; a process that was forked has none of its parent's."""
    return ThreadPoolExecutor(threads - 1, initializer=torch.set_num_threads, initargs=(1,))
