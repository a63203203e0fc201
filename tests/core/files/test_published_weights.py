"""Published weights are fetched with a limit of time, checked, and run no code."""

import io
import socket
from collections.abc import Callable
from http.client import HTTPMessage, IncompleteRead
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torchvision.models import ResNet18_Weights

from core.errors import InputError
from core.files.download import STALL_TIMEOUT
from core.files.published_weights import fetch_weights, is_fetched

WEIGHTS = ResNet18_Weights.IMAGENET1K_V1


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes torch's cache a new one."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))


def test_a_download_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Code:
        def __reduce__(self) -> tuple[Callable, tuple[str]]:
            return Path.touch, (Path("ran"),)

    def download(url: str, target: str, hash_prefix: str | None, progress: bool) -> None:
        assert socket.getdefaulttimeout() == STALL_TIMEOUT
        torch.save({"weight": Code()}, target)

    monkeypatch.setattr("core.files.published_weights.announced_size", lambda url: 0)
    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    with pytest.raises(InputError, match="Weights only load failed") as caught:
        fetch_weights(WEIGHTS, "--weights x")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


class Answer(io.BytesIO):
    """What a server sends."""

    def info(self) -> HTTPMessage:
        """Returns no headers."""
        return HTTPMessage()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (URLError("no route to host"), "<urlopen error no route to host>"),
        (IncompleteRead(b""), r"IncompleteRead\(0 bytes read\)"),
        (Answer(b"something else"), 'invalid hash value .expected "f37072fd"'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_download_that_fails_names_the_way_out(
    answer: Exception | Answer, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urlopen(_: object) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("torch.hub.urlopen", urlopen)
    monkeypatch.setattr("core.files.published_weights.announced_size", lambda url: 0)
    way_out = "get https://download.pytorch.org/models/resnet18-f37072fd.pth elsewhere, and give the file's path"
    with pytest.raises(InputError, match=rf"^--weights x: could not be fetched \({reason}.*\); {way_out}"):
        fetch_weights(WEIGHTS, "--weights x")
    assert not list((tmp_path / "hub").rglob("*.p*"))


def test_a_server_of_weights_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def announced_size(url: str) -> int:
        raise TimeoutError(f"{url}: no answer within 8 s")

    monkeypatch.setattr("core.files.published_weights.announced_size", announced_size)
    monkeypatch.setattr("torch.hub.urlopen", lambda _: pytest.fail("waits for good"))
    with pytest.raises(InputError, match=r"could not be fetched \(https://.*: no answer within 8 s\)"):
        fetch_weights(WEIGHTS, "--weights x")


def test_a_damaged_file_in_the_cache_is_wrong_input(tmp_path: Path) -> None:
    assert not is_fetched(WEIGHTS)
    file = tmp_path / "hub" / "hub" / "checkpoints" / Path(WEIGHTS.url).name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"something else")
    assert is_fetched(WEIGHTS)
    with pytest.raises(InputError, match=rf"^--weights x: {file} is damaged; remove it, and it is fetched again$"):
        fetch_weights(WEIGHTS, "--weights x")
