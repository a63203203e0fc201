"""Threads sleep while they wait, unless the user has decided otherwise."""

import os
import sys
from types import SimpleNamespace

import pytest

import cli
from core.threads import CHOICES


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
            """What `from engine.command import run` reads, which imports torch elsewhere."""
            seen.append({name: os.environ[name] for name in CHOICES if name in os.environ})
            return lambda arguments: None

    monkeypatch.setitem(sys.modules, "engine.command", ImportsTorch())
    assert cli.main(["fit", "--config", "vgg_bn.yaml"]) == 0
    assert seen == [expected]
