"""What `--output` names is checked before anything is computed, by all commands in the same words."""

import os
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory

import pytest

from core.errors import InputError
from core.files.outputs import (
    check_output_file,
    check_output_folder,
    contents,
    is_among,
    is_stream,
    is_system_stream,
    write_output,
)
from engine.predicting.picture_files import check_picture_output
from engine.runs.run_folder import RunFolder
from studies.study_folder import StudyFolder

Command = Callable[..., tuple[int, str, str]]
FILES = {"predict": "predictions.csv", "export": "network.onnx", "report": "report.html"}


@pytest.mark.parametrize("name", FILES)
def test_a_command_refuses_an_output_before_it_begins(
    name: str, finished_run: Callable[..., Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that cannot be written, nothing is computed."""
    monkeypatch.setattr("engine.cli.command.predictions.conclude", None)
    monkeypatch.setattr("engine.export.command._weights", None)
    monkeypatch.setattr("studies.report.command.page", None)
    finished_run("run")
    words = ("report", "run") if name == "report" else (name, "--ckpt_path", "run")
    ending = {"predict": ".csv", "export": ".safetensors", "report": ".html"}[name]
    Path(f"folder{ending}").mkdir()
    for given, said in (
        (f"folder{ending}", f"a folder; name a file, such as {FILES[name]}"),
        (f"no/x{ending}", "cannot be written (no folder no)"),
        ("", f"name a file, such as {FILES[name]}"),
    ):
        code, _, errors = command(*words, f"--output={given}")
        assert (code, errors) == (2, f"error: --output {given}: {said}\n")


def test_inspect_refuses_a_file_in_place_of_its_folder(finished_run: Callable[..., Path], command: Command) -> None:
    Path("file").touch()
    code, _, errors = command("inspect", finished_run(), "--output", "file/below")
    assert (code, errors) == (
        2,
        "error: --output file/below: file is a file, where a folder is expected; choose another name\n",
    )


@pytest.mark.parametrize(
    ("name", "stream"), [("/dev/stdout", True), ("/dev/null", True), ("/proc/self/fd/1", True), ("a.csv", False)]
)
def test_a_stream_of_the_system_is_never_replaced(name: str, stream: bool) -> None:
    Path("a.csv").touch()
    assert is_stream(Path(name)) == stream


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        (PurePosixPath("/dev/stdout"), True),
        (PurePosixPath("/dev/fd/1"), True),
        (PurePosixPath("/proc/self/fd/1"), True),
        (PurePosixPath("/dev/shm/x.csv"), False),
        (PurePosixPath("/home/dev/x.csv"), False),
        (PureWindowsPath("C:/dev/x.csv"), False),
        (PureWindowsPath("C:/proc/x.csv"), False),
    ],
)
def test_files_of_memory_and_of_windows_are_no_streams(path: PurePath, stream: bool) -> None:
    assert is_system_stream(path) == stream


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a folder in memory")
def test_a_second_output_in_memory_replaces_the_first() -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        for text in ("first", "second"):
            write_output(Path(folder, "x.csv"), text, "x.csv")
        assert Path(folder, "x.csv").read_text() == "second"


@pytest.mark.parametrize("name", ["metrics.csv", "new.csv"])
def test_a_file_of_a_run_is_not_replaced(name: str) -> None:
    Path("run/checkpoints").mkdir(parents=True)
    Path("run/config.yaml").write_text("model:")
    Path("run/metrics.csv").write_text("epoch")
    Path("run/checkpoints/new.csv").symlink_to("nowhere")
    if name == "new.csv":
        assert check_output_file(f"run/{name}", "x.csv") == Path("run", name)
        return
    with pytest.raises(InputError, match=r"--output run/metrics.csv: is a file of a run, and is not replaced"):
        check_output_file(f"run/{name}", "x.csv")
    check_output_file(f"run/{name}", "x.csv", replaces_runs=True)


def test_nothing_is_written_among_the_checkpoints_of_a_run() -> None:
    for name in ("run/checkpoints/deep", "own/checkpoints"):
        Path(name).mkdir(parents=True)
    Path("run/config.yaml").write_text("model:")
    reason = "is among a run's checkpoints; choose another folder"
    for given in ("run/checkpoints/x.onnx", "run/checkpoints/deep/x.onnx"):
        with pytest.raises(InputError, match=rf"^--output {given}: {reason}$"):
            check_output_file(given, "x.onnx")
    for given in ("run/checkpoints", "run/checkpoints/none/at/all"):
        with pytest.raises(InputError, match=rf"^--run_dir {given}: {reason}$"):
            check_output_folder(given, "--run_dir")
    assert check_output_file("own/checkpoints/x.onnx", "x.onnx") == Path("own/checkpoints/x.onnx")
    assert check_output_folder("run/pictures") == Path("run/pictures")


def test_a_new_folder_is_one_that_can_be_made() -> None:
    Path("file").touch()
    Path("link").symlink_to("nowhere")
    assert check_output_folder("a/b/c") == Path("a/b/c")
    for given in ("file", "file/a", "link/a"):
        with pytest.raises(InputError, match="is a file, where a folder is expected"):
            check_output_folder(given)


def test_a_folder_without_permission_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = os.access
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path and ours(path, mode))  # root may all
    with pytest.raises(InputError, match="no permission in"):
        check_output_file(str(tmp_path / "x.csv"), "x.csv")
    with pytest.raises(InputError, match="no permission in"):
        check_output_folder(str(tmp_path / "x" / "y"))


def test_what_a_file_manager_leaves_is_nothing_in_a_folder(tmp_path: Path) -> None:
    for name in (".DS_Store", "desktop.ini", "Thumbs.db"):
        (tmp_path / name).touch()
    assert not list(contents(tmp_path))
    check_picture_output(str(tmp_path), [])
    StudyFolder(tmp_path).check()
    RunFolder.at(tmp_path).release()
    (tmp_path / "notes.txt").touch()
    assert list(contents(tmp_path)) == [tmp_path / "notes.txt"]
    with pytest.raises(InputError, match="is not empty"):
        RunFolder.at(tmp_path)


def test_a_folder_that_has_gone_is_one_line() -> None:
    with pytest.raises(InputError, match=r"--output gone/x\.csv: cannot be written"):
        write_output(Path("gone/x.csv"), "text", "gone/x.csv")
    write_output(Path("made/x.csv"), "text", "made/x.csv", makes_folder=True)
    assert Path("made/x.csv").read_text() == "text"


def test_what_a_folder_of_inputs_holds_is_among_them_but_for_tables(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.csv"):
        (tmp_path / "photos" / name).touch()
    picture, table = tmp_path / "photos" / "a.png", tmp_path / "photos" / "b.csv"
    assert is_among(picture, str(tmp_path / "photos"))
    assert is_among(picture, str(picture))
    assert is_among(table, str(table))
    assert not is_among(table, str(tmp_path / "photos"))
    assert not is_among(picture, "a text\0 that can be no name")
