"""What `new` writes works as it is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.skeletons.command import KINDS, skeleton
from tests.processes import ROOT, start_function

Command = Callable[..., tuple[int, str, str]]


def run_pytest(folder: str) -> None:
    """Runs the tests of a folder, in a process that has imported torch already."""
    os.chdir(folder)
    with open("tests.log", "w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.exit(int(pytest.main(["-q", "-p", "no:cacheprovider"])))


@pytest.fixture
def _forgotten() -> Iterator[None]:
    """Forgets the modules that a test makes, and where they were."""
    modules, places = {*sys.modules}, [*sys.path]
    yield
    for name in {*sys.modules} - modules:
        if name.startswith("my_"):
            del sys.modules[name]
    sys.path[:] = places


@pytest.mark.usefixtures("few_samples", "_forgotten")
@pytest.mark.parametrize("kind", KINDS)
def test_a_skeleton_trains_and_passes_its_own_tests(kind: str, tmp_path: Path, command: Command) -> None:
    code, output, errors = command("new", kind, f"my_{kind}")
    assert (code, errors) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {f"my_{kind}.py", f"test_my_{kind}.py", f"my_{kind}.yaml"}
    assert f"  python cli.py fit --config my_{kind}.yaml" in output.splitlines()
    tests = start_function(run_pytest, str(tmp_path))

    options = ("--run_dir", "run", "--trainer.max_steps", 2, "--data.batch_size", 10)
    code, _, errors = command("fit", "--config", f"my_{kind}.yaml", *options)
    assert code == 0, errors
    assert command("test", "--ckpt_path", "run", "--trust")[0] == 0
    tests.join(60)
    assert tests.exitcode == 0, (tmp_path / "tests.log").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_skeleton_keeps_the_style_of_the_project(kind: str, tmp_path: Path) -> None:
    if shutil.which("ruff", path=Path(sys.executable).parent) is None:
        pytest.skip("ruff is not installed")
    for path, text in skeleton(kind, "my_own_one").items():
        path.write_text(text)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for words in (["check", "--ignore", "I001"], ["format", "--check"]):  # which packages are its own, ruff cannot know
        done = subprocess.run([sys.executable, "-m", "ruff", *words, "."], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["network", "my_net"], "new network: expected model or data"),
        (["dataset", "my_set"], "new dataset: expected model or data; did you mean data?"),
        (["model"], "new needs NAME"),
        ([], "new needs model|data, NAME"),
        (["model", "MyNet"], "small letters"),
        (["model", "class"], "small letters"),
        (["model", "../net"], "small letters"),
        (["data", "json"], "a module of this name already"),
        (["model", "core"], "a module of this name already"),
        (["data", "mine"], "mine.yaml is there already"),
        (["data", "linked"], "linked.yaml is there already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(words: list[str], answer: str, tmp_path: Path, command: Command) -> None:
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "linked.yaml").symlink_to("nowhere")
    code, _, errors = command("new", *words)
    assert (code, errors.count("\n")) == (2, 1)
    assert answer in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linked.yaml", "mine.yaml"]


@pytest.mark.parametrize(("error", "code"), [(OSError(28, "No space left on device"), 2), (KeyboardInterrupt(), 130)])
def test_all_files_are_written_or_none(
    error: BaseException, code: int, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def fails_at_the_third(source: Path, target: Path) -> None:
        if Path(target).suffix == ".yaml":
            raise error
        replace(source, target)

    monkeypatch.setattr("core.files.atomic_files.os.replace", fails_at_the_third)
    answer = command("new", "model", "my_own")
    assert answer[0] == code
    assert answer[2].count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_file_that_somebody_makes_meanwhile_stays(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(source: Path, target: Path) -> None:
        (tmp_path / "my_net.yaml").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.files.atomic_files.os.replace", fails)
    assert command("new", "model", "my_net")[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["my_net.yaml"]
