"""Connections to other processes: which are watched, and what is read of their errors."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed import HashStore
from torch.nn.parallel import DistributedDataParallel

from core.processes.peers import SILENCE, lost_peer, renew_buffers, take_buffers_of_first, watch_connections


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    """A TCP connection of this process with itself."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        with theirs:
            yield ours


@pytest.mark.skipif(sys.platform != "linux", reason="the system's own limits elsewhere")
def test_a_silent_machine_is_given_up_after_a_minute(connection: socket.socket, tmp_path: Path) -> None:
    with open(tmp_path / "any", "w") as file:
        before = os.listdir("/proc/self/fd")
        watch_connections()
        assert os.listdir("/proc/self/fd") == before
        file.write("still open")
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    limit = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    idle, pause, count = (connection.getsockopt(socket.IPPROTO_TCP, option) for option in options)
    assert limit == 1000 * SILENCE
    assert idle + pause * count == SILENCE
    connection.sendall(b"still open")


GLOO = "[../third_party/gloo/gloo/transport/tcp/pair.cc:"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (f"{GLOO}534] Connection closed by peer [127.0.0.1]:36445", "connection closed by peer, 127.0.0.1"),
        (f"{GLOO}457] Read error [10.0.0.2]:29: Connection reset by peer", "connection reset by peer, 10.0.0.2"),
        (f"{GLOO}457] Read error [10.0.0.2]:29: Connection timed out", "connection timed out, 10.0.0.2"),
        ("[gloo/unbound_buffer.cc:81] Timed out waiting 1800000ms for recv", "timed out waiting 1800000ms"),
        ("mat1 and mat2 shapes cannot be multiplied", None),
    ],
)
def test_what_gloo_says(message: str, reason: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    assert lost_peer(RuntimeError(message)) == reason


def test_one_process_loses_none() -> None:
    assert lost_peer(RuntimeError("Connection reset by peer")) is None


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DistributedDataParallel, list[str]]]:
    """A batch norm as several processes share it, amid an accumulation; and a list that notes its broadcasts."""
    torch.distributed.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    try:
        model, broadcasts = DistributedDataParallel(nn.BatchNorm1d(2)), []
        with model.no_sync():
            model(torch.rand(3, 2)).sum().backward()
        monkeypatch.setattr(model, "_sync_buffers", lambda: broadcasts.append("buffers"))
        yield model, broadcasts
    finally:
        torch.distributed.destroy_process_group()


@torch.no_grad()
def test_a_validation_amid_an_accumulation_begins_with_the_buffers_of_the_first(
    shared: tuple[DistributedDataParallel, list[str]],
) -> None:
    model, broadcasts = shared
    model.eval()(torch.rand(3, 2))
    assert broadcasts == [], "torch would take them with the next step only"
    renew_buffers(model)
    model(torch.rand(3, 2))
    model(torch.rand(3, 2))
    assert broadcasts == ["buffers"]
    renew_buffers(nn.BatchNorm1d(2))


@torch.no_grad()
def test_buffers_are_taken_once_for_a_pass_beside_the_wrapper(
    shared: tuple[DistributedDataParallel, list[str]],
) -> None:
    model, broadcasts = shared
    take_buffers_of_first(model)
    assert broadcasts == ["buffers"]
    model(torch.rand(3, 2))
    assert broadcasts == ["buffers"]
    take_buffers_of_first(nn.BatchNorm1d(2))
