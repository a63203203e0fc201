"""What every test gets: its own folder, one thread, and no network."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import cli
from tests.tiny import TINY_CONFIG


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs a test in a folder of its own, and fails it if it leaves changed settings of torch behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    assert torch.get_default_dtype() == torch.float32
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.is_grad_enabled()
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every connection but to this machine an error."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of the tiny model and data."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_CONFIG)
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in this process; returns exit code, output and errors."""

    def run(*argv: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cli.py"])
        monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
        code = cli.main([str(word) for word in argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
