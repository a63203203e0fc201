"""Freed memory is used again, where the C library can be told so."""

import platform
import resource
import subprocess
import sys

import pytest

from engine.speed.allocator import keep_freed_memory
from tests.processes import ROOT

SCRIPT = """
import resource, sys, torch
from engine.speed.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):  # until the heap has found its size
    torch.zeros(16_000_000)
before = faults()
for _ in range(10):
    torch.zeros(16_000_000)
print(faults() - before)
"""


def page_faults(how: str) -> int:
    command = [sys.executable, "-c", SCRIPT, how]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told")
def test_pages_are_not_asked_for_again() -> None:
    assert page_faults("kept") < 500
    assert page_faults("not") > 5000 or resource.getpagesize() > 4096


def test_a_second_call_changes_nothing() -> None:
    assert keep_freed_memory() == keep_freed_memory()


def test_a_c_library_without_it_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory.__wrapped__() is False
