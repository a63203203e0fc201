"""Which of a run's processes this one is, and whether the first of them has said why it ends; without torch."""

import os
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

ENDED = "primer/ended"  # in the store of the processes: why the first of them ends
SECONDS = 3.0  # in which the first process says so if all end for one reason
TURNS = 20  # of so many seconds, in which it has written what is left of a run that ends in all processes


def tasks() -> int:
    """Returns the number of processes that `srun` has started for this command; 1 in a shell or a batch script.

    Other variables tell of the allocation, which a shell of `salloc` has too.
    """
    count = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    return int(count) if count.isdigit() else 1


def launched_rank() -> int:
    """Returns the number of this process among those of its run: as its launcher says, until they are connected."""
    distributed = _connected()
    return _number("RANK", "SLURM_PROCID") if distributed is None else distributed.get_rank()


def launched_local_rank() -> int:
    """Returns the number of this process among those of its run on this machine; 0 if it is alone."""
    return _number("LOCAL_RANK", "SLURM_LOCALID")


def _number(name: str, name_of_slurm: str) -> int:
    """Returns a number that torchrun, SLURM or Lightning gives to each of several processes."""
    found = os.environ.get(name)
    if found is None and tasks() > 1:
        found = os.environ.get(name_of_slurm)
    found = os.environ.get("LOCAL_RANK", "0") if found is None else found
    return int(found) if found.isdecimal() else 0


def is_told_by_first(reason: str, ends_all: bool = False) -> bool:
    """Returns whether the first process of a run tells why this one ends; asked once, by every process that ends so.

    Args:
        reason: Why it ends.
        ends_all: Whether all are known to end. Then the first is waited for: launchers kill it, which may still write,
            soon after another has ended with an error.

    Returns:
        True in any process but the first if all end for one reason. Before the processes are connected those of a
        machine are taken to end alike, and the first of them tells it.
    """
    store = _store()
    if store is None:
        return launched_local_rank() > 0
    reason = reason.encode(errors="backslashreplace").decode()  # a name of a file need not be UTF-8
    if launched_rank() == 0:
        with suppress(RuntimeError):  # torchrun, which holds the store then, has ended
            store.set(ENDED, reason)
        return False
    from torch.distributed import DistNetworkError  # imported by now

    for _ in range(TURNS if ends_all else 1):  # between which Python looks at signals
        try:
            store.wait([ENDED], timedelta(seconds=SECONDS))
            return store.get(ENDED).decode() == reason
        except (DistNetworkError, KeyboardInterrupt):  # it has ended, and its store with it, or
            return True  # another signal has come
        except RuntimeError:  # it goes on
            pass
    return False


def _store() -> Any:
    """Returns what the processes of this run can all read and write, once they are connected; None before."""
    distributed = _connected()
    return None if distributed is None else distributed.distributed_c10d._get_default_store()


def _connected() -> Any:
    """Returns torch's module for several processes once they are connected by it; None before."""
    distributed = sys.modules.get("torch.distributed")
    ready = distributed is not None and distributed.is_available() and distributed.is_initialized()
    return distributed if ready else None
