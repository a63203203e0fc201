"""Freed memory is used again, where the C library can be told so."""

import os
import platform
import subprocess
import sys

import pytest

from engine.speed.allocator import keep_freed_memory
from tests.processes import ROOT

SCRIPT = """
import resource, torch
from engine.speed.allocator import keep_freed_memory
MEGABYTES = 64
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
def left():
    before = resident()
    torch.zeros(MEGABYTES * 2**18)  # freed at once
    return (resident() - before) / MEGABYTES
by_default = left()
assert keep_freed_memory()
print(by_default, left())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or "LD_PRELOAD" in os.environ, reason="other allocators cannot be told"
)
def test_freed_memory_stays_with_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    by_default, kept = map(float, done.stdout.split())  # shares of the freed memory that are still resident
    assert by_default < 0.5 < kept


def test_a_second_call_changes_nothing() -> None:
    assert keep_freed_memory() == keep_freed_memory()


def test_a_c_library_without_it_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory.__wrapped__() is False
