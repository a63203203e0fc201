"""Tests reach no network, and see nothing of the settings of whoever runs them."""

import os
import socket
import subprocess
import sys

import pytest

from tests import shortcuts
from tests.processes import start_function
from tests.shortcuts import settings_around
from tests.startup.network_guard import ATTEMPTS


def reach(*address: object) -> None:
    with pytest.raises(OSError, match="a test tried to reach"):
        socket.create_connection(address, timeout=1)


@pytest.mark.usefixtures("tries_network")
def test_the_network_is_not_reached_and_every_attempt_is_noted() -> None:
    reach("primer.example", 80)
    with pytest.raises(OSError, match="a test tried to reach"), socket.socket() as one:
        one.connect(("192.0.2.1", 80))
    with pytest.raises(OSError, match="a test tried to reach"), socket.socket() as one:
        one.connect_ex(("192.0.2.2", 80))
    with open(os.environ[ATTEMPTS]) as file:
        assert file.read().split() == ["primer.example", "192.0.2.1", "192.0.2.2"]


@pytest.mark.usefixtures("tries_network")
def test_what_a_process_of_a_test_tries_is_noted() -> None:
    process = start_function(_try_apart, os.environ[ATTEMPTS])
    process.join()
    assert process.exitcode == 0
    with open(os.environ[ATTEMPTS]) as file:
        assert file.read().split() == ["primer.example"]


def _try_apart(attempts: str) -> None:
    shortcuts.take_all()
    os.environ[ATTEMPTS] = attempts
    reach("primer.example", 80)


@pytest.mark.usefixtures("tries_network")
def test_what_an_interpreter_of_a_test_tries_is_noted() -> None:
    code = "import socket; socket.create_connection(('192.0.2.3', 80), timeout=1)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "a test tried to reach 192.0.2.3" in ended.stderr
    with open(os.environ[ATTEMPTS]) as file:
        assert file.read().split() == ["192.0.2.3"]


def test_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1])).close()


def test_settings_around_a_test_are_taken_away() -> None:
    taken = ["SLURM_JOB_ID", "TORCHELASTIC_RUN_ID", "PL_GLOBAL_SEED", "WANDB_PROJECT", "NETRC", "MASTER_ADDR", "RANK"]
    taken += ["LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "GROUP_WORLD_SIZE", "http_proxy", "HTTPS_PROXY", "no_proxy"]
    kept = ["PATH", "HOME", "WANDB_MODE", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "XDG_STATE_HOME"]
    assert settings_around([*taken, *kept]) == taken
    assert not settings_around(os.environ)
