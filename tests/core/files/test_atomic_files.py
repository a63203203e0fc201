"""Files are whole or absent, whatever happens while they are written."""

import ast
import errno
import multiprocessing
import os
import time
from pathlib import Path

import pytest
import torch

from core.errors import RunFailed
from core.files.atomic_files import copy_atomically, locked, remove_abandoned, replacing, write_atomically
from engine.runs.checkpoint_io import AtomicCheckpointIO
from tests.processes import ROOT, start_function
from tests.sources import full_name, imported_names, sources


def test_writing_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "long and old\n")
    write_atomically(path, "näw\n")
    assert path.read_bytes() == "näw\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("broken", ["os.replace", "pathlib.Path.write_text"])
def test_a_failed_write_keeps_the_old_file(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(broken, full)
        with pytest.raises(RunFailed, match="No space left"):
            write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_its_space_to_what_says_so(tmp_path: Path) -> None:
    """torch holds the file open as long as its error is known; a run on a full disk then could not note its end."""
    held = []

    def write_a_part() -> None:
        with replacing(tmp_path / "a.ckpt") as temporary:
            held.append(os.open(temporary, os.O_CREAT | os.O_WRONLY))
            os.write(held[0], b"a part")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunFailed, match="No space left"):
        write_a_part()
    assert os.fstat(held[0]).st_size == 0
    os.close(held[0])
    assert not list(tmp_path.iterdir())


def test_a_failed_copy_leaves_what_was_to_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    write_atomically(tmp_path / "a", "new")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RunFailed, match="Input/output error"):
        copy_atomically(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").read_text() == "new"


def test_a_copy_replaces_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"older and longer")
    copy_atomically(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    with pytest.raises(RunFailed):
        copy_atomically(tmp_path / "nothing", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"


def test_what_a_killed_process_left_does_not_lead_into_another_checkpoint(tmp_path: Path) -> None:
    """A second name of best.ckpt, meant for last.ckpt, is left; a process with the same number saves."""
    best, last = tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    best.write_bytes(b"best")
    with replacing(last) as temporary:
        temporary.touch()
    temporary.hardlink_to(best)
    AtomicCheckpointIO().save_checkpoint({"x": 1}, last)
    assert best.read_bytes() == b"best"
    temporary.hardlink_to(best)
    copy_atomically(best, last)
    assert last.read_bytes() == b"best"


def test_a_copy_is_made_where_files_cannot_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "a").write_bytes(b"new")
    copy_atomically(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_ino != (tmp_path / "b").stat().st_ino


@pytest.fixture(scope="module")
def dead_process() -> int:
    """The number of a process that has ended."""
    process = multiprocessing.get_context("fork" if os.name == "posix" else "spawn").Process(target=int)
    process.start()
    process.join()
    return process.pid


@pytest.mark.skipif(os.name == "nt", reason="processes are not looked up")
def test_what_killed_processes_left_is_removed_at_the_next_write(tmp_path: Path, dead_process: int) -> None:
    (tmp_path / f".a.txt.{dead_process}.tmp").touch()  # as earlier releases named them
    (tmp_path / f".a.txt.{2**80}.tmp").touch()  # no process of any machine
    (tmp_path / f".other.txt.{dead_process}.tmp").touch()
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.touch()
    (tmp_path / temporary.name.replace(str(os.getpid()), str(dead_process))).touch()
    write_atomically(tmp_path / "a.txt", "new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", f".other.txt.{dead_process}.tmp"}
    assert remove_abandoned(tmp_path) == [tmp_path / f".other.txt.{dead_process}.tmp"]


@pytest.mark.skipif(os.name == "nt", reason="processes are not looked up")
def test_a_folder_that_a_killed_process_was_making_is_removed(tmp_path: Path, dead_process: int) -> None:
    left = tmp_path / f".set.{dead_process}.tmp"
    (left / "deep").mkdir(parents=True)
    (left / "deep" / "half").touch()
    assert remove_abandoned(tmp_path, "set") == [left]
    assert not list(tmp_path.iterdir())


def test_what_others_are_writing_stays(tmp_path: Path) -> None:
    mine = [tmp_path / f".a.{os.getpid()}.tmp", tmp_path / f".a.anothermachine-{2**22 + 1}.tmp", tmp_path / ".my.tmp"]
    for path in mine:
        path.touch()
    assert not remove_abandoned(tmp_path)
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(mine[1], (two_days_ago, two_days_ago))
    assert remove_abandoned(tmp_path) == [mine[1]]
    assert not remove_abandoned(tmp_path / "nowhere")


# What writes a file in place, and why it may.
IN_PLACE = {
    ("core/files/atomic_files.py", "temporary.write_text"),  # a file of its own, which is renamed
    ("core/files/atomic_files.py", "temporary.write_bytes"),
    ("core/files/atomic_files.py", "open rb+"),  # likewise, to flush it
    ("core/files/atomic_files.py", "os.truncate"),  # likewise, to give its space back
    ("core/files/archives.py", "tar.extractall"),  # a folder of its own, which is renamed
    ("callbacks/tensorboard_events.py", "open wb"),  # a temporary file
    ("callbacks/media/sink.py", "file.write_bytes"),  # likewise
    ("engine/cli/parser.py", "dump"),  # into a text
    ("callbacks/nan_guard.py", "torch.save"),
    ("datamodules/base/cache.py", "save_file"),
    ("engine/runs/checkpoint_io.py", "torch.save"),
    ("results/__main__.py", "savefig"),
    ("core/media_files.py", "medium.figure.savefig"),  # into memory
    ("core/media_files.py", "open wb"),
    ("core/media_files.py", "save"),
    ("core/pages/pictures.py", "save"),
    ("core/pages/pictures.py", "small.save"),
    ("datamodules/tunes/midi.py", "file.save"),
    ("engine/export/command.py", "save"),
    ("engine/export/formats.py", "torch.export.save"),
    ("engine/export/formats.py", "torch.jit.save"),
    ("engine/predicting/picture_files.py", "picture.save"),
    ("engine/runs/checkpoint_contents.py", "torch.save"),
    ("datamodules/tunes/rendering.py", "path / 'tune.abc'.write_text"),  # in a temporary folder
    ("datamodules/tunes/rendering.py", "path.write_bytes"),
    ("core/files/outputs.py", "open ab"),  # a pipe
    ("core/code/known_code.py", "open a"),  # a list that grows
    ("engine/settings/sending.py", "open a"),  # likewise
    ("results/runs.py", "open a"),  # a log that grows
    ("engine/processes/forked_commands.py", "os.open"),  # likewise
    ("engine/processes/forked_commands.py", "open w"),  # the streams of a command
    ("engine/runs/wandb_files.py", "os.truncate"),  # a log that is cut where the run goes on
    ("engine/runs/free_gpus.py", "os.open"),  # an empty file, to lock
    ("cli.py", "open w"),  # what torchrun reads
    ("cli.py", "json.dump"),
    ("core/terminal/streams.py", "open w"),  # nowhere
    ("core/terminal/streams.py", "os.open"),
}
OPENERS = {"open", "io.open", "os.fdopen", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "wave.open"}
OPENERS |= {"tarfile.open", "zipfile.ZipFile"}  # of a file and a mode; methods of that name take a mode alone
WRITERS = {"write_text", "write_bytes", "savefig", "save", "save_file", "savez", "savez_compressed", "savetxt"}
WRITERS |= {"tofile", "to_csv", "extract", "extractall", "urlretrieve", "truncate"}
COPIES = {f"shutil.{name}" for name in ("copy", "copy2", "copyfile", "copyfileobj", "copytree", "move")}


def writes(text: str) -> set[str]:
    """Lists the calls of a source file that write another: `open` with its mode, or the function."""
    tree = ast.parse(text)
    names, found = imported_names(tree), set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = full_name(call.func, names)
        method = call.func.attr if isinstance(call.func, ast.Attribute) else name.rpartition(".")[2]
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if name == "os.open":
            found |= set() if "O_RDONLY" in ast.unparse(call) else {name}
        elif name in OPENERS or method == "open":
            mode = keywords.get("mode", ast.Constant("r"))
            mode = next(iter(call.args[1 if name in OPENERS else 0 :]), mode)
            if not isinstance(mode, ast.Constant):
                found |= {"open ?"} if name in OPENERS else set()
            elif isinstance(mode.value, str) and set(mode.value) & set("wax+"):
                found.add(f"open {mode.value}")
        elif method in WRITERS or name in COPIES or (method == "dump" and (len(call.args) > 1 or "stream" in keywords)):
            owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            found.add(method if not owner or "(" in owner else f"{owner}.{method}")
    return found


def test_no_file_of_a_user_is_written_in_place() -> None:
    found = set()
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("benchmarks/"):  # which write files of their own alone
            found |= {(name, call) for call in writes(path.read_text(encoding="utf-8"))}
    assert found == IN_PLACE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open(x, 'w')", "open w"),
        ("open(x, mode='r+b')", "open r+b"),
        ("open(x, mode)", "open ?"),
        ("path.open('x')", "open x"),
        ("Path(x).open(mode='a')", "open a"),
        ("import gzip\ngzip.open(x, 'wb')", "open wb"),
        ("os.open(x, os.O_WRONLY)", "os.open"),
        ("torch.save(x, path)", "torch.save"),
        ("from safetensors.torch import save_file as keep\nkeep(x, path)", "save_file"),
        ("Image.fromarray(x).save(path)", "save"),
        ("import shutil as s\ns.copyfile(a, b)", "s.copyfile"),
        ("from shutil import move\nmove(a, b)", "move"),
        ("json.dump(x, file)", "json.dump"),
        ("yaml.safe_load(x), json.dumps(x), yaml.dump(x), open(x), open(x, 'rb'), path.open(), Image.open(x)", None),
    ],
)
def test_the_rule_knows_what_writes(text: str, found: str | None) -> None:
    assert writes(text) == ({found} if found else set())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_checkpoint_on_a_full_disk_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"old")
    with pytest.raises(RunFailed, match=r"a\.ckpt: could not be written \((the file|No space left)") as caught:
        save_on_full_disk(tmp_path / "a.ckpt")
    assert "inline_container" not in str(caught.value)
    assert (tmp_path / "a.ckpt").read_bytes() == b"old"


def save_on_full_disk(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.symlink_to("/dev/full")
        torch.save({"weight": torch.zeros(1_000_000)}, temporary)


def count_up(path: Path) -> None:
    for _ in range(100):
        with locked(path.parent):
            write_atomically(path, str(int(path.read_text()) + 1))


def test_processes_that_change_a_file_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "count.txt"
    write_atomically(path, "0")
    processes = [start_function(count_up, path) for _ in range(3)]
    for process in processes:
        process.join()
    assert path.read_text() == "300"
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_locked_keeps_nobody_waiting(tmp_path: Path) -> None:
    entered = False
    with locked(tmp_path / "none"):
        entered = True
    assert entered
