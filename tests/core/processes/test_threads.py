"""Threads sleep while they wait, unless the user has decided otherwise."""

import os
import sys
from types import SimpleNamespace

import pytest

import cli
from core.processes import threads
from core.processes.threads import CHOICES, too_many


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {"GOMP_SPINCOUNT": "0"}),
        ({"GOMP_SPINCOUNT": "500"}, {"GOMP_SPINCOUNT": "500"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active"}),
    ],
    ids=["nothing chosen", "a spin count", "a policy"],
)
def test_the_command_decides_before_torch_is_imported(
    chosen: dict[str, str], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CHOICES:
        monkeypatch.setenv(name, "")  # so that it is restored after the test, whatever the command sets
        monkeypatch.delenv(name)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    seen = []

    class ImportsTorch(SimpleNamespace):
        @property
        def run(self) -> object:
            """What `from engine.cli.command import run` reads, which imports torch elsewhere."""
            seen.append({name: os.environ[name] for name in CHOICES if name in os.environ})
            return lambda arguments: None

    monkeypatch.setitem(sys.modules, "engine.cli.command", ImportsTorch())
    assert cli.main(["fit", "--config", "vgg_bn.yaml"]) == 0
    assert seen == [expected]


@pytest.mark.parametrize(("cores", "most", "said"), [(1, 4, "for 1 core, which"), (16, 64, "for 16 cores, which")])
def test_more_processes_than_can_compute_are_too_many(
    cores: int, most: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert too_many(most) == ""
    assert too_many(most + 1) == f"as many processes {said} would only wait; at most {most}"
