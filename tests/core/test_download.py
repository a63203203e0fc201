"""A download is given up in time, fails in one line, and leaves what was there before as it was."""

import contextlib
import socket
import socketserver
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import core.download
from core.download import STALLS_AFTER, Request, answering, download
from core.errors import InputError
from tests.servers import Dripping, Files, Rubbish, refusing, serving, silent


def failing(*files: Path) -> Callable[[], None]:
    """Returns a download that writes something and then fails."""

    def fetch() -> None:
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("half")
        raise OSError("the line went dead")

    return fetch


# Who answers


def test_the_first_address_that_answers_is_taken(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).touch()
    with refusing() as nobody, serving(Files, tmp_path) as good:
        assert answering([good + "one", good + "two"]) == good + "one"
        assert answering([nobody + "one", good + "none", good + "two"]) == good + "two"


def test_an_address_where_nobody_listens_is_named_with_the_reason() -> None:
    with refusing() as nobody, pytest.raises(OSError, match=rf"^{nobody}file: .*refused"):
        answering([nobody + "file"])


def test_a_server_that_never_answers_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.download, "ANSWER_WITHIN", 0.5)
    began = time.monotonic()
    with silent() as address, pytest.raises(OSError, match=r"timed out|no answer within"):
        answering([address])
    assert time.monotonic() - began < 3


def test_a_server_that_answers_too_slowly_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.download, "ANSWER_WITHIN", 0.3)
    with serving(Dripping, tmp_path) as address, pytest.raises(OSError, match="no answer within"):
        answering([address])  # waiting for the end would give another reason


@pytest.mark.parametrize(
    ("handler", "reason"), [(Files, "not found"), (Rubbish, "220 no web server")], ids=["404", "rubbish"]
)
def test_a_useless_answer_is_the_reason_given(
    handler: type[socketserver.BaseRequestHandler], reason: str, tmp_path: Path
) -> None:
    with serving(handler, tmp_path) as address, pytest.raises(OSError, match=rf"(?i)^{address}file: .*{reason}"):
        answering([address + "file"])


def test_what_is_no_address_is_an_error_like_any_other() -> None:
    with pytest.raises(OSError, match="unknown url type"):
        answering(["nonsense"])


# What a failed download leaves


def test_a_failure_is_one_line_with_folder_reason_and_ways_out(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        download(failing(), [], Request(tmp_path, "no digits", "MNIST"))
    assert str(caught.value) == (
        f"--data.data_dir {tmp_path}: holds no digits, and the download failed (the line went dead); "
        f"put MNIST there, or try the built-in pictures with --data.source synthetic"
    )


def test_new_files_and_folders_go_again(tmp_path: Path) -> None:
    files = [tmp_path / "new" / "deep" / "a", tmp_path / "new" / "b", tmp_path / "new" / "other" / "never written"]
    with pytest.raises(InputError):
        download(failing(*files[:2]), files, Request(tmp_path / "new", "nothing", "MNIST"))
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_before_stays_and_so_does_what_others_wrote(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept").touch()
    files = [tmp_path / "old" / "kept", tmp_path / "old" / "half", tmp_path / "new" / "half"]
    with pytest.raises(InputError):
        download(failing(*files, tmp_path / "new" / "stranger"), files, Request(tmp_path, "nothing", "MNIST"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "new", "old", "stranger"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_signal_leaves_nothing_half_made_and_stays_what_it_is(end: type[BaseException], tmp_path: Path) -> None:
    def fetch() -> None:
        with contextlib.suppress(OSError):
            failing(tmp_path / "new" / "half")()
        raise end

    with pytest.raises(end):
        download(fetch, [tmp_path / "new" / "half"], Request(tmp_path, "nothing", "MNIST"))
    assert list(tmp_path.iterdir()) == []


def test_a_success_leaves_everything(tmp_path: Path) -> None:
    download((tmp_path / "file").touch, [tmp_path / "file"], Request(tmp_path, "nothing", "MNIST"))
    assert (tmp_path / "file").exists()


def test_a_mistake_in_the_program_is_not_taken_for_a_failed_download(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        download(lambda: 1 / 0, [], Request(tmp_path, "nothing", "MNIST"))


@pytest.mark.parametrize("fetch", [failing(), lambda: None], ids=["failure", "success"])
def test_a_stalled_server_is_given_up_and_the_timeout_of_others_is_their_own(
    fetch: Callable[[], None], tmp_path: Path
) -> None:
    within = []

    def noting() -> None:
        within.append(socket.getdefaulttimeout())
        fetch()

    socket.setdefaulttimeout(5.0)
    with contextlib.suppress(InputError):
        download(noting, [], Request(tmp_path, "nothing", "MNIST"))
    assert within == [STALLS_AFTER]
    assert socket.getdefaulttimeout() == 5.0
    socket.setdefaulttimeout(None)


def test_a_folder_that_cannot_be_made_is_a_failure_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "folder" / "a"
    with pytest.raises(InputError, match="the download failed"):
        download(failing(target), [target], Request(tmp_path / "file", "nothing", "MNIST"))
