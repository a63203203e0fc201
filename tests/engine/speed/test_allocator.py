"""Freed memory is used again, where the C library can be told so."""

import multiprocessing
import os
import platform
import resource
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from engine.speed.allocator import keep_freed_memory
from tests.processes import start_function

MEGABYTES = 64


def _left(connection: Connection) -> None:
    """Sends the share of freed memory that stays with the process, by default and with the setting."""

    def resident() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    def left() -> float:
        before = resident()
        torch.zeros(MEGABYTES * 2**18)  # freed at once
        return (resident() - before) / MEGABYTES

    by_default = left()
    assert keep_freed_memory()
    connection.send((by_default, left()))


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or "LD_PRELOAD" in os.environ, reason="other allocators cannot be told"
)
def test_freed_memory_stays_with_the_process() -> None:
    ours, theirs = multiprocessing.Pipe()
    process = start_function(_left, theirs)
    by_default, kept = ours.recv()
    process.join()
    assert by_default < 0.5 < kept


def test_a_c_library_without_it_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory.__wrapped__() is False
