"""One folder a run, held by one process, and never half a file in it."""

import errno
import multiprocessing
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from filelock import FileLock

from core.errors import InputError
from core.files.atomic_files import write_atomically
from engine.runs import run_folder
from engine.runs.run_folder import RunFolder
from tests.processes import start_function


def test_runs_of_one_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs once shared a folder."""

    class StoppedClock(run_folder.datetime):
        @classmethod
        def now(cls) -> "StoppedClock":
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(run_folder, "datetime", StoppedClock)
    folders = [RunFolder.create(tmp_path, "vgg") for _ in range(3)]
    names = ["20260102-030405", "20260102-030405-2", "20260102-030405-3"]
    assert [folder.path for folder in folders] == [tmp_path / "runs" / "vgg" / name for name in names]
    for folder in folders:
        folder.release()


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, "vgg")
    with pytest.raises(InputError, match="in use by another process; wait for it"):
        RunFolder(first.path).hold()
    first.release()
    assert not list(first.path.iterdir())
    RunFolder(first.path).hold().release()


def test_who_could_not_hold_a_folder_leaves_the_lock_of_another_process(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path).hold(), RunFolder(tmp_path)
    with pytest.raises(InputError, match="in use by another process"):
        second.hold()
    assert (first.is_held, second.is_held) == (True, False)
    second.release()
    assert (tmp_path / ".lock").exists()
    first.release()
    assert not first.is_held


def test_a_command_that_lists_runs_does_not_keep_a_run_from_going_on(tmp_path: Path) -> None:
    """It takes the lock for a moment, to find out whether it is free."""
    looking = FileLock(tmp_path / ".lock", thread_local=False)
    looking.acquire()
    threading.Timer(0.1, looking.release).start()
    RunFolder(tmp_path).hold().release()


@pytest.mark.parametrize("error", [NotImplementedError(), OSError(errno.ENOLCK, "No locks available")])
def test_a_folder_on_a_disk_without_locks_is_used_with_a_note(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(FileLock, "acquire", refuse)
    folder = RunFolder(tmp_path).hold()
    assert capsys.readouterr().out.startswith(f"note: {tmp_path}: its disk has no locks")
    assert folder.is_held
    folder.release()
    assert not folder.is_held


def test_a_folder_is_held_against_other_processes_until_they_end(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    other = start_function(_hold, tmp_path, theirs)
    assert ours.recv() == "held"
    with pytest.raises(InputError, match="in use by another process"):
        RunFolder(tmp_path).hold()
    other.kill()  # leaves the lock's file behind
    other.join()
    RunFolder(tmp_path).hold().release()


def _hold(path: Path, connection: Connection) -> None:
    folder = RunFolder(path).hold()
    connection.send("held")
    connection.recv()
    folder.release()


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "mkdir", _refuse)
    with pytest.raises(InputError, match=r"runs/vgg: the run's folder cannot be made \(Permission denied\)"):
        RunFolder.create(tmp_path, "vgg")
    with pytest.raises(InputError, match=r"--run_dir .*/mine: cannot be made \(Permission denied\)"):
        RunFolder.at(tmp_path / "mine")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder.FileLock, "acquire", _refuse)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        RunFolder(tmp_path).hold()


@pytest.mark.parametrize("root", ["file", "file/deeper"])
def test_a_file_in_the_way_is_named(root: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        RunFolder.create(tmp_path / root, "vgg")
    with pytest.raises(InputError, match=r"--run_dir .*: .*/file is a file, where a folder is expected"):
        RunFolder.at(tmp_path / root)


def test_the_named_folder_of_a_new_run_must_be_empty(tmp_path: Path) -> None:
    folder = RunFolder.at(tmp_path / "deep" / "mine")
    assert folder.made == [tmp_path / "deep" / "mine", tmp_path / "deep"]
    folder.release()
    (folder.path / "notes.txt").touch()
    with pytest.raises(InputError, match="is not empty; name an empty folder"):
        RunFolder.at(folder.path)
    (folder.path / "config.yaml").touch()
    with pytest.raises(InputError, match="is not empty; name an empty folder; fit --ckpt_path continues the run in it"):
        RunFolder.at(folder.path)


def test_what_a_killed_process_made_before_training_is_no_content(tmp_path: Path) -> None:
    """A run that was killed while it began could neither go on nor begin again."""
    for name in (".lock", ".config.yaml.123.tmp", "wandb_id.txt"):
        (tmp_path / name).touch()
    (tmp_path / "tensorboard").mkdir()
    RunFolder.at(tmp_path).release()


def test_a_discarded_folder_leaves_nothing(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "vgg")
    write_atomically(folder.path / "config.yaml", "")
    folder.discard()
    assert not list(tmp_path.iterdir())


def test_discarding_spares_the_runs_beside_it(tmp_path: Path) -> None:
    kept = RunFolder.create(tmp_path, "vgg")
    kept.release()
    RunFolder.create(tmp_path, "vgg").discard()
    assert list((tmp_path / "runs" / "vgg").iterdir()) == [kept.path]


@pytest.mark.parametrize("made", ["metrics.csv", "checkpoints"])
def test_a_run_that_began_is_not_discarded(made: str, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "vgg")
    (folder.path / made).mkdir()
    folder.discard()
    assert (folder.path / made).exists()


def test_a_folder_that_was_there_before_is_not_discarded(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    RunFolder.at(tmp_path / "mine").discard()
    assert list((tmp_path / "mine").iterdir()) == []
    RunFolder(tmp_path / "mine").hold().discard()
    assert (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["wandb", "tensorboard"])
def test_folders_of_a_runs_names_may_be_somebody_elses(name: str, tmp_path: Path) -> None:
    """Offline runs of weeks were removed by a mistyped command."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "run-of-weeks").touch()
    with pytest.raises(InputError, match="is not empty; name an empty folder"):
        RunFolder.at(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("mark", [".lock", "slurm_job.json", "trial.json"])
def test_discarding_spares_what_was_there_before(mark: str, tmp_path: Path) -> None:
    (tmp_path / mark).touch()
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "run-of-weeks").touch()
    for _ in range(2):  # it can be tried again
        folder = RunFolder.at(tmp_path)
        (tmp_path / "tensorboard").mkdir()
        (tmp_path / "tensorboard" / "events").touch()
        folder.discard()
        assert {path.name for path in tmp_path.rglob("*")} == {mark, "wandb", "run-of-weeks"}


def test_discarding_spares_what_somebody_has_put_there_meanwhile(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "vgg")
    (folder.path / "shown").mkdir()
    for name in ("inputs.png", "shown/1.png"):
        write_atomically(folder.path / name, b"")
    (folder.path / "job.log").touch()
    folder.discard()
    assert [path.name for path in folder.path.iterdir()] == ["job.log"]
