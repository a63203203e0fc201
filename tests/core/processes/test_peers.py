"""Connections to other processes: which are watched, and what is read of their errors."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.processes.peers import SILENCE, lost_peer, watch_connections


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
