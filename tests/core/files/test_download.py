"""A download is given up in time, fails in one line, and leaves what was there before as it was."""

import contextlib
import hashlib
import io
import os
import re
import shutil
import signal
import socket
import socketserver
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

import core.files.download
from core.errors import InputError
from core.files.atomic_files import locked, temporary_beside
from core.files.download import (
    STALL_TIMEOUT,
    RemoteFile,
    Request,
    announced_size,
    download,
    download_archive,
    download_files,
)
from tests.processes import start_function
from tests.servers import Broken, Dripping, Files, Rubbish, refusing, serving, silent


def failing(*files: Path) -> Callable[[], None]:
    """Returns a download that writes something and then fails."""

    def fetch() -> None:
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("half")
        raise OSError("the line went dead")

    return fetch


# Who answers


def test_an_address_that_answers_says_how_large_its_file_is(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"four")
    with serving(Files, tmp_path) as address:
        assert announced_size(address + "one") == 4


def test_an_address_where_nobody_listens_is_named_with_the_reason() -> None:
    with refusing() as nobody, pytest.raises(OSError, match=rf"^{nobody}file: .*refused"):
        announced_size(nobody + "file")


def test_a_server_that_never_answers_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.files.download, "ANSWER_TIMEOUT", 0.5)
    began = time.monotonic()
    with silent() as address, pytest.raises(OSError, match=r"timed out|no answer within"):
        announced_size(address)
    assert time.monotonic() - began < 3


def test_a_server_that_answers_too_slowly_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.files.download, "ANSWER_TIMEOUT", 0.3)
    with serving(Dripping, tmp_path) as address, pytest.raises(OSError, match="no answer within"):
        announced_size(address)  # waiting for the end would give another reason


@pytest.mark.parametrize(
    ("handler", "reason"), [(Files, "not found"), (Rubbish, "220 no web server")], ids=["404", "rubbish"]
)
def test_a_useless_answer_is_the_reason_given(
    handler: type[socketserver.BaseRequestHandler], reason: str, tmp_path: Path
) -> None:
    with serving(handler, tmp_path) as address, pytest.raises(OSError, match=rf"(?i)^{address}file: .*{reason}"):
        announced_size(address + "file")


def test_what_is_no_address_is_an_error_like_any_other() -> None:
    with pytest.raises(OSError, match="unknown url type"):
        announced_size("nonsense")


# What a failed download leaves


@pytest.mark.parametrize(
    ("synthetic", "other"),
    [("pictures", ", or try the built-in pictures with --data.source synthetic"), ("", "")],
    ids=["with a synthetic source", "without"],
)
def test_a_failure_is_one_line_with_folder_reason_and_solutions(synthetic: str, other: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        download(failing(), [], Request(tmp_path, "no digits", "MNIST", synthetic))
    assert str(caught.value) == (
        f"--data.data_dir {tmp_path}: holds no digits, and the download failed (the line went dead); "
        f"put MNIST there{other}"
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
    assert within == [STALL_TIMEOUT]
    assert socket.getdefaulttimeout() == 5.0
    socket.setdefaulttimeout(None)


def test_a_folder_that_cannot_be_made_is_a_failure_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "folder" / "a"
    with pytest.raises(InputError, match="the download failed"):
        download(failing(target), [target], Request(tmp_path / "file", "nothing", "MNIST"))


# Files and archives


CONTENT = b"digits" * 100
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder of a server, with a file and an archive of a folder."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "digits").write_bytes(CONTENT)
    pack(folder / "set.tar.gz", "set/a", "set/deep/b")
    return folder


def pack(path: Path, *names: str) -> Path:
    """Writes an archive of files of these names."""
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(CONTENT)
            tar.addfile(info, io.BytesIO(CONTENT))
    return path


def request(folder: Path) -> Request:
    return Request(folder, "no digits", "MNIST")


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def left_of(path: Path) -> Path:
    """Returns the name of what a killed process leaves of a download."""
    here = temporary_beside(path)
    return path.with_name(here.name.replace(f"-{os.getpid()}.", f"-{2**80}."))  # no process has so large a number


@pytest.mark.parametrize("md5", [MD5, None], ids=["checksum", "no checksum"])
def test_a_part_left_by_a_killed_download_goes(site: Path, tmp_path: Path, md5: str | None) -> None:
    (tmp_path / "new").mkdir()
    left_of(tmp_path / "new" / "digits").write_bytes(b"half")
    with serving(Files, site) as address:
        download_files([RemoteFile("digits", [f"{address}digits"], md5)], tmp_path / "new", request(tmp_path))
    assert (tmp_path / "new" / "digits").read_bytes() == CONTENT
    assert files_in(tmp_path / "new") == ["digits"]


def test_what_is_downloaded_and_where_is_said_first(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Files, site) as address:
        for folder, found in ((tmp_path / "new", "a new folder"), (tmp_path, "which holds no digits")):
            download_files([RemoteFile("digits", [f"{address}digits"], MD5)], folder, request(folder))
            assert capsys.readouterr().out == f"downloading MNIST into {folder}, {found}\n"


def test_a_mirror_whose_file_is_wrong_gives_way_to_the_next(site: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "digits").write_bytes(b"changed on the way")
    with serving(Files, tmp_path / "other") as wrong, serving(Files, site) as right, refusing() as nobody:
        urls = [f"{address}digits" for address in (nobody, wrong, right)]
        download_files([RemoteFile("digits", urls, MD5)], tmp_path / "new", request(tmp_path))
        assert (tmp_path / "new" / "digits").read_bytes() == CONTENT
        with pytest.raises(InputError, match=r"the download failed \(.*(not found or corrupted|corrupted)"):
            download_files([RemoteFile("more", urls[:2], MD5)], tmp_path / "new", request(tmp_path))
    assert files_in(tmp_path / "new") == ["digits"]


def test_a_file_that_breaks_off_is_no_file_whether_or_not_others_came_before(site: Path, tmp_path: Path) -> None:
    with serving(Files, site) as good, serving(Broken, site) as bad:
        files = [RemoteFile("a", [f"{good}digits"], MD5), RemoteFile("b", [f"{bad}digits"], MD5)]
        with pytest.raises(InputError, match="holds no digits, and the download failed"):
            download_files(files, tmp_path / "new", request(tmp_path))
    assert not (tmp_path / "new").exists()


def test_a_file_without_a_checksum_that_breaks_off_gives_way_to_the_next_address(site: Path, tmp_path: Path) -> None:
    with serving(Files, site) as good, serving(Broken, site) as bad:
        urls = [f"{address}digits" for address in (bad, good)]
        download_files([RemoteFile("digits", urls)], tmp_path / "new", request(tmp_path))
        assert (tmp_path / "new" / "digits").read_bytes() == CONTENT
        with pytest.raises(InputError, match=rf"\({bad}digits: ended after 20 of 600 bytes\)"):
            download_files([RemoteFile("more", urls[:1])], tmp_path / "new", request(tmp_path))
    assert files_in(tmp_path / "new") == ["digits"]


def _killed_within_a_file(url: str, folder: Path) -> None:
    def killed(url: str, root: str, filename: str, md5: str | None) -> None:
        os.makedirs(root, exist_ok=True)
        Path(root, filename).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    with patch("torchvision.datasets.utils.download_url", killed):
        download_files([RemoteFile("long", [url])], folder, Request(folder, "nothing", "MNIST"))


def test_a_download_killed_within_a_file_leaves_nothing_that_counts_as_there(site: Path, tmp_path: Path) -> None:
    (site / "long").write_bytes(bytes(10_000_000))
    with serving(Files, site) as address:
        process = start_function(_killed_within_a_file, f"{address}long", tmp_path / "new")
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert re.fullmatch(r"\.long\..*\.tmp", *files_in(tmp_path / "new"))
        download_files([RemoteFile("long", [f"{address}long"])], tmp_path / "new", request(tmp_path))
    assert (tmp_path / "new" / "long").stat().st_size == 10_000_000
    assert files_in(tmp_path / "new") == ["long"]


def test_an_archive_is_extracted_and_goes(site: Path, tmp_path: Path) -> None:
    half = left_of(tmp_path / "new" / "set")
    half.mkdir(parents=True)
    (half / "half").touch()  # as a killed extraction leaves it
    with serving(Files, site) as address:
        archive = RemoteFile("set.tar.gz", [f"{address}set.tar.gz"])
        download_archive(archive, "set", tmp_path / "new", request(tmp_path))
    assert files_in(tmp_path / "new") == ["set/a", "set/deep/b"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["set"]


def test_an_archive_replaces_a_damaged_folder_and_one_put_there_by_hand_stays(site: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / "set").mkdir(parents=True)
    (tmp_path / "new" / "set" / "damaged").touch()
    by_hand = pack(tmp_path / "new" / "set.tar.gz", "set/a")
    with refusing() as nobody:
        archive = RemoteFile(by_hand.name, [f"{nobody}a"], hashlib.md5(by_hand.read_bytes()).hexdigest())
        download_archive(archive, "set", tmp_path / "new", request(tmp_path))
    assert files_in(tmp_path / "new") == ["set.tar.gz", "set/a"]


@pytest.mark.parametrize("md5", [None, "0" * 32], ids=["no checksum", "another checksum"])
@pytest.mark.parametrize("is_there", [True, False], ids=["found", "not found"])
def test_a_file_of_an_archives_name_stays_whatever_becomes_of_the_download(
    md5: str | None, is_there: bool, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was replaced by the download, and removed after it."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "set.tar.gz").write_bytes(b"somebody's own")
    md5 = md5 and hashlib.md5((site / "set.tar.gz").read_bytes()).hexdigest()
    with serving(Files, site) as address:
        archive = RemoteFile("set.tar.gz", [f"{address}{'set' if is_there else 'none'}.tar.gz"], md5)
        with contextlib.nullcontext() if is_there else pytest.raises(InputError, match="the download failed"):
            download_archive(archive, "set", tmp_path / "new", request(tmp_path))
    assert (tmp_path / "new" / "set.tar.gz").read_bytes() == b"somebody's own"
    assert files_in(tmp_path / "new") == ["set.tar.gz", *(["set/a", "set/deep/b"] if is_there else [])]
    assert "set.tar.gz: left alone, since it is no complete set.tar.gz" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../escaped", "other/a"])
def test_an_archive_that_is_not_what_was_expected_leaves_what_there_was(name: str, site: Path, tmp_path: Path) -> None:
    pack(site / "set.tar.gz", "set/a" if name[0] == "." else name, name)
    (tmp_path / "new" / "set").mkdir(parents=True)
    (tmp_path / "new" / "set" / "before").touch()
    with serving(Files, site) as address:
        archive = RemoteFile("set.tar.gz", [f"{address}set.tar.gz"])
        with pytest.raises(InputError, match=r"the download failed \(set\.tar\.gz: "):
            download_archive(archive, "set", tmp_path / "new", request(tmp_path))
    assert files_in(tmp_path / "new") == ["set/before"]
    assert not (tmp_path / "escaped").exists()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="these have tarfile.data_filter, and use it always")
@pytest.mark.parametrize(
    ("name", "kind", "is_taken"),
    [
        ("set/b", tarfile.REGTYPE, True),
        ("set/deep", tarfile.DIRTYPE, True),
        ("../escaped", tarfile.REGTYPE, False),
        ("set/../../escaped", tarfile.REGTYPE, False),
        ("/escaped", tarfile.REGTYPE, False),
        ("set/link", tarfile.SYMTYPE, False),
        ("set/link", tarfile.LNKTYPE, False),
        ("set/pipe", tarfile.FIFOTYPE, False),
    ],
)
def test_pythons_without_a_filter_take_plain_files_and_folders_alone(
    name: str, kind: bytes, is_taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for entry in (tarfile.TarInfo("set/a"), tarfile.TarInfo(name)):
            entry.mode = 0o4777
            entry.type, entry.linkname = (kind, "/etc/hostname") if entry.name == name else (tarfile.REGTYPE, "")
            tar.addfile(entry)
    archive = RemoteFile("set.tar", [], hashlib.md5((tmp_path / "set.tar").read_bytes()).hexdigest())
    if not is_taken:
        with pytest.raises(InputError, match=rf"\(set\.tar: '{re.escape(name)}' is no file or folder within it\)"):
            download_archive(archive, "set", tmp_path, request(tmp_path))
        assert files_in(tmp_path) == ["set.tar"]
        return
    download_archive(archive, "set", tmp_path, request(tmp_path))
    assert (tmp_path / "set" / "a").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / name).exists()


def test_an_archive_that_is_none_is_one_line(site: Path, tmp_path: Path) -> None:
    (site / "set.tar.gz").write_bytes(b"no archive")
    with serving(Files, site) as address:
        archive = RemoteFile("set.tar.gz", [f"{address}set.tar.gz"])
        with pytest.raises(InputError, match=r"\(set\.tar\.gz: file could not be opened successfully\); put"):
            download_archive(archive, "set", tmp_path / "new", request(tmp_path))
    assert not (tmp_path / "new").exists()


# Several processes


@contextlib.contextmanager
def other_process(folder: Path) -> Iterator[None]:
    """Lets the block begin while another process downloads into a folder, which then goes on."""
    began, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(folder):
            began.set()
            may_go_on.wait()
            pack(folder / "other.tar.gz", "set/of another")
            with tarfile.open(folder / "other.tar.gz") as tar:
                tar.extractall(folder)
            (folder / "digits").write_bytes(b"of another")

    thread = threading.Thread(target=hold)
    thread.start()
    began.wait()
    with patch("core.files.download.print_line", lambda line: may_go_on.set()):  # that it waits
        yield
    thread.join()


def test_what_another_process_downloads_is_waited_for_and_taken(tmp_path: Path) -> None:
    """Two that extracted one archive left a part of it for good."""
    with other_process(tmp_path):
        assert not download_files([RemoteFile("digits", [])], tmp_path, request(tmp_path))
    (tmp_path / "digits").unlink()
    shutil.rmtree(tmp_path / "set")
    with other_process(tmp_path):
        download_archive(RemoteFile("set.tar.gz", []), "set", tmp_path, request(tmp_path))
    assert files_in(tmp_path) == ["digits", "other.tar.gz", "set/of another"]


def test_a_download_leaves_what_another_process_has_in_work(site: Path, tmp_path: Path) -> None:
    """Folders of some network drives cannot be locked."""
    others = [tmp_path / "new" / f".{name}.{os.getppid()}.tmp" for name in ("set.tar.gz", "set")]
    others[1].mkdir(parents=True)
    for path in (others[0], others[1] / "half"):
        path.touch()
    with serving(Files, site) as address:
        archive = RemoteFile("set.tar.gz", [f"{address}set.tar.gz"])
        download_archive(archive, "set", tmp_path / "new", request(tmp_path))
    assert others[0].exists()
    assert (others[1] / "half").exists()


def test_a_failed_download_leaves_what_another_process_has_completed(tmp_path: Path) -> None:
    def failing_beside_another(url: str, root: Path, filename: str, md5: str | None) -> None:
        (root / "digits").write_bytes(CONTENT)
        raise OSError("the line went dead")

    with (
        patch("core.files.download.announced_size", lambda url: 0),
        patch("torchvision.datasets.utils.download_url", failing_beside_another),
        pytest.raises(InputError, match="the line went dead"),
    ):
        download_files([RemoteFile("digits", ["address"])], tmp_path, request(tmp_path))
    assert files_in(tmp_path) == ["digits"]
