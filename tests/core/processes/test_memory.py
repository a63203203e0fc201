"""The memory that a process may still take: of the machine, of its control groups, or as far as that is known."""

import os
from pathlib import Path

import pytest

from core.processes import memory
from core.processes.memory import available_memory

MEMINFO = "MemTotal:  99 kB\nMemAvailable:   12 kB\nBuffers: 1 kB\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which files stand for those of the system."""
    monkeypatch.setattr(memory, "PROCESSES", tmp_path / "proc")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "cgroup")
    return tmp_path


def write(folder: Path, **contents: object) -> None:
    """Writes files, whose names have a dot for each underscore but in `limit_in_bytes` and the like."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("_", ".", 1)).write_text(f"{content}\n")


def test_it_is_what_the_machine_has_left(system: Path) -> None:
    write(system / "proc", meminfo=MEMINFO)
    assert available_memory() == 12 * 1024


@pytest.mark.parametrize("place", ["job/step", "job", "."])
@pytest.mark.parametrize(("current", "left"), [(6000, 3000), (9999, 0), (0, 9000), (-9000, 12 * 1024)])
def test_it_is_what_a_group_or_one_around_it_has_left(place: str, current: int, left: int, system: Path) -> None:
    """A job of SLURM is limited by the group around that of its step, and a container by the outermost that it sees."""
    write(system / "proc", meminfo=MEMINFO)
    write(system / "proc" / "self", cgroup="0::/job/step")
    write(system / "cgroup" / "job" / "step", memory_max="max", memory_current=1, memory_stat="inactive_file 0")
    stat = "anon 7\ninactive_file 500\nactive_file 9"
    write(system / "cgroup" / place, memory_max=8500, memory_current=current, memory_stat=stat)
    assert available_memory() == left


def test_it_is_what_a_group_of_the_first_version_has_left(system: Path) -> None:
    write(system / "proc", meminfo=MEMINFO)
    write(system / "proc" / "self", cgroup="9:cpu:/a\n4:memory:/docker/b\n0::/")
    stat = "inactive_file 1\ntotal_inactive_file 500"
    unlimited = 2**63 - 4096
    for name, limit in (("docker", unlimited), ("docker/b", 8500)):
        folder = system / "cgroup" / "memory" / name
        write(folder, memory_limit_in_bytes=limit, memory_usage_in_bytes=6000, memory_stat=stat)
    assert available_memory() == 3000


@pytest.mark.parametrize("content", [None, "MemTotal: 99 kB\n"])
def test_it_is_half_of_all_where_the_system_does_not_say(
    content: str | None, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        write(system / "proc", meminfo=content)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10}.__getitem__)
    assert available_memory() == 5 * 4096
    monkeypatch.delattr(os, "sysconf")
    assert available_memory() is None
