"""Clients of a served network are answered, and what is not answered ends the benchmark."""

import asyncio

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")

from benchmarks.serving import clients, files, passes, percentile
from engine.serving.app import Application
from engine.serving.services import service_of
from tests.served import served
from tests.tiny import SizedDataModule, tiny_vgg


def test_clients_are_timed_and_passes_too() -> None:
    service = service_of(tiny_vgg().eval(), SizedDataModule())
    with served(Application(service, "", {"kind": "pictures"})) as address:
        port = int(address.rpartition(":")[2])
        taken, together = asyncio.run(clients(port, files(), 5, 2))
        with pytest.raises(RuntimeError, match="422"):
            asyncio.run(clients(port, [b"no picture"], 1, 1))
    assert len(taken) == 10
    assert 0 < max(taken) <= together
    pixels = service.read(files()[0])[None]
    assert len(passes(service, pixels, 4, seconds=0)) == 3


def test_percentiles() -> None:
    assert percentile([float(number) for number in range(101)], 95) == 95
