"""Every test gets a folder of its own, one thread and no network; finished runs are shared between tests.

Torch and the project are imported where they are needed: the process that hands out the tests needs neither.
"""

import contextlib
import gc
import hashlib
import importlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, for every process that a test starts, and for forks

import pytest
from filelock import FileLock


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Returns the number of worker processes: the number of cores for the whole suite, none for a part of it.

    A worker takes seconds to start, which the tests of one file do not repay.
    """
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS or config.option.keyword or config.option.markexpr
    if chosen or getattr(config.option, "lf", False):
        return 0
    config.option.dist = "worksteal"  # most tests of a file stay together, since they share runs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_collection(session: pytest.Session) -> None:
    """Imports all tests, if several workers share them, each from another place on.

    Pytest rewrites the assertions of what it imports, which takes half of the time of collecting, and keeps the result
    for the next who imports it.
    """
    tests = Path(__file__).parent
    if "PYTEST_XDIST_WORKER" not in os.environ or [*map(os.path.abspath, session.config.args)] != [str(tests)]:
        return
    modules = [path.relative_to(tests.parent) for path in sorted(tests.rglob("test_*.py"))]
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    first = number * len(modules) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in modules[first:] + modules[:first]:
        importlib.import_module(".".join(path.with_suffix("").parts))


def _starts_processes(item: pytest.Item) -> bool:
    starts = {"start", "start_function", "start_ranks", "start_elastic", "start_command", "forked_kernel"}
    return not starts.isdisjoint({*vars(item.module), *getattr(item, "fixturenames", ())})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts tests that start processes before the others, if several workers share them.

    They take longest: no worker is to begin one when the others have ended.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not _starts_processes(item))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Does once what every run begins with, before a server of processes is forked, which have it then.

    What there is by now is kept out of every later garbage collection, which would look through all of it; and there
    are fewer of them.
    """
    if session.config.option.collectonly or not session.items:
        return
    from tests import processes, shortcuts

    shortcuts.take_all()
    if any(_starts_processes(item) for item in session.items):
        processes.run_once()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    processes.fork_server()


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs a test in a folder of its own, with no settings of whoever runs it.

    It fails if it leaves changed settings of torch behind, or tries to reach the network without `tries_network`.
    """
    import torch
    from lightning_utilities.core.rank_zero import rank_zero_only

    from tests import shortcuts
    from tests.startup import network_guard

    monkeypatch.setattr(rank_zero_only, "rank", 0, raising=False)  # a trainer of another rank leaves its own
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
    for name in shortcuts.settings_around(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # where the list of known code is
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "state" / "torch"))  # where weights are that have been fetched
    attempts = _attempts(tmp_path)
    monkeypatch.setenv(network_guard.ATTEMPTS, str(attempts))
    # for interpreters that it starts; see sitecustomize.py there
    monkeypatch.setenv("PYTHONPATH", str(Path(network_guard.__file__).parent), prepend=os.pathsep)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    assert torch.get_default_dtype() == torch.float32
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.is_grad_enabled()
    torch.set_num_threads(threads)
    assert not attempts.exists(), f"it tried to reach {attempts.read_text()}"


def _attempts(tmp_path: Path) -> Path:
    return tmp_path.with_name(f"{tmp_path.name}.attempts")


@pytest.fixture
def tries_network(_isolated: None, tmp_path: Path) -> Iterator[None]:
    """Announces that a test tries to reach the network, which it never does; fails it if it does not try."""
    yield
    _attempts(tmp_path).unlink()


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets matplotlib render figures in a test; in others they are left out."""
    from tests.shortcuts import render_figures

    render_figures(monkeypatch)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of the tiny model and data."""
    from tests.tiny import TINY_CONFIG

    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_CONFIG)
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in this process; returns exit code, output and errors."""

    import cli

    def run(*argv: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cli.py"])
        monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
        code = cli.main([str(word) for word in argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Trains by the command, once for each config and options, whichever worker it is; returns the run's folder."""
    base = tmp_path_factory.getbasetemp()
    runs = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    runs.mkdir(exist_ok=True)

    def train(text: str, name: str, *options: object) -> Path:
        digest = hashlib.sha256(repr((text, name, *map(str, options))).encode()).hexdigest()[:16]
        folder, lock = runs / digest, FileLock(runs / f"{digest}.lock")
        with lock:
            if not (folder / "done").exists():
                folder.mkdir(exist_ok=True)
                (folder / name).write_text(text)
                _train(folder, "fit", "--config", folder / name, "--run_dir", folder / "run", *options)
                (folder / "done").touch()
        return folder / "run"

    return train


def _train(folder: Path, *words: object) -> None:
    import cli

    said = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        patch.chdir(folder)
        patch.setattr("sys.argv", ["cli.py"])
        code = cli.main([str(word) for word in words])
        patch.delenv("PRIMER_RUN_FOLDER", raising=False)
    assert code == 0, said.getvalue()


@pytest.fixture
def finished_run(trained_once: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Copies a finished run of a config into the test's folder; it is trained once a session.

    Its arguments are the run folder's name, options of `fit`, and the config's text and file name.
    """

    from tests.tiny import TINY_CONFIG

    def copy(to: str = "run", *options: object, text: str = TINY_CONFIG, name: str = "tiny.yaml") -> Path:
        return Path(shutil.copytree(trained_once(text, name, *options), tmp_path / to))

    return copy


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the synthetic sources a few pictures, sentences, documents and tunes."""

    from datamodules.images.splits import ClassifiedImages
    from tests.pictures import drawn_once

    def few(self: Any) -> dict[str, Any]:
        sizes = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        images, targets = drawn_once(80, seed=0, **sizes)
        return {
            "train": ClassifiedImages(images[:60], targets[:60]),
            "test": ClassifiedImages(images[60:], targets[60:]),
        }

    monkeypatch.setattr("datamodules.images.classification.ImageClassificationDataModule.synthesize", few)
    monkeypatch.setattr("datamodules.char_corpus.SYNTHETIC", 2000)
    monkeypatch.setattr("datamodules.word_corpus.SYNTHETIC", 1200)
    monkeypatch.setattr("datamodules.music.SYNTHETIC", 40)
    monkeypatch.setattr("datamodules.text_classification.SYNTHETIC", {"train": 60, "test": 20})
    monkeypatch.setattr("datamodules.captions.SYNTHETIC", {"train": 60, "val": 10, "test": 10})
    monkeypatch.setattr("datamodules.translation.SYNTHETIC", {"train": 60, "val": 10, "test": 10})


@pytest.fixture
def few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the views of `inspect` show a few examples, whose panels take longest."""
    shown = {"subject.EXAMPLES": 3, "neighbours.NEAREST": 2, "mistakes.PICTURES": 4}
    for name, number in (shown | {"activations.PICTURES": 2, "activations.CHANNELS": 3}).items():
        monkeypatch.setattr(f"inspection.{name}", number)
