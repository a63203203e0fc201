"""How much memory this process may still take."""

import os
from collections.abc import Iterator
from pathlib import Path

PROCESSES = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")  # control groups, by which containers and job queues limit memory
# their files, of version 2 and of version 1: limit, use, and what of the use are copies of files, which can be dropped
FORMS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_memory() -> int | None:
    """Returns the bytes that this process may still take; None where that is unknown, as on Windows.

    On Linux it is what the machine has left, or a control group of this process, if that is less. Elsewhere it is half
    of the machine's memory.
    """
    if (of_machine := _left_of_machine()) is not None:
        return max(0, min([of_machine, *_left_of_groups()]))
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _left_of_machine() -> int | None:
    try:
        for line in (PROCESSES / "meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _left_of_groups() -> Iterator[int]:
    """Yields what each group with a limit has left, of those that this process is in, and of those around them.

    A container may see the machine's names of its groups, and their files in a place of its own, the outermost.
    """
    try:
        lines = (PROCESSES / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, name = line.split(":", 2)
        root = GROUPS if number == "0" else GROUPS / "memory"
        if number == "0" or "memory" in controllers.split(","):
            group = root / name.lstrip("/")
            for folder in (group, *group.parents[: len(group.parents) - len(root.parents)]):
                yield from _left_of_group(folder)


def _left_of_group(folder: Path) -> Iterator[int]:
    for limit, use, droppable in FORMS:
        try:
            most, used = (int((folder / name).read_text(encoding="utf-8")) for name in (limit, use))
            lines = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):  # the other version, or no limit, which is called `max`
            continue
        yield most - used + int(dict(line.split() for line in lines).get(droppable, 0))
