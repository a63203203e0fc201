"""Signals that end a process by default, and what they do to a command: one line, the exit code, nothing half-made."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import Interrupted
from core.processes.signals import ENDS, end_at_once, ended_by_signals, leave_at_next_signal
from lightning_modules import VGG
from tests.processes import start_function
from tests.tiny import TinyDataModule

Command = Callable[..., tuple[int, str, str]]

CODES = {int(signum): 128 + signum for signum in ENDS}
processes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals between processes")


DEFAULTS = {signum: signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL for signum in ENDS}


def take_defaults() -> dict[int, object]:
    """Handles signals as a shell's foreground leaves them; tests may run where some are ignored."""
    return {signum: signal.signal(signum, handler) for signum, handler in DEFAULTS.items()}


@pytest.fixture(autouse=True)
def _in_the_foreground() -> Iterator[None]:
    before = take_defaults()
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


def sending(signum: int, act: Callable) -> Callable:
    """Returns what sends a signal to this process before it does what it is to do."""

    def send_first(*arguments: object, **options: object) -> object:
        signal.raise_signal(signum)
        return act(*arguments, **options)

    return send_first


@pytest.mark.parametrize("signum", ENDS)
def test_a_signal_ends_the_block_and_handlers_are_given_back(signum: int) -> None:
    before = [signal.getsignal(one) for one in ENDS]
    with pytest.raises(Interrupted) as caught, ended_by_signals():
        signal.raise_signal(signum)
    assert caught.value.signum == signum
    assert [signal.getsignal(one) for one in ENDS] == before


def test_signals_that_are_ignored_or_handled_stay_so() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGTERM)  # as under `nohup`
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def import_and_be_interrupted(folder: str, errors: str) -> None:
    """Imports a module that takes an exception for a fault of its own, as numpy does."""
    take_defaults()
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    Path(folder, "swallows.py").write_text(
        "import signal\n"
        "try:\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "except BaseException:\n"
        "    raise ImportError('cannot load module more than once') from None\n"
    )
    sys.path.insert(0, folder)
    with ended_by_signals():
        import swallows  # noqa: F401


@processes
def test_an_import_is_ended_at_once(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    process = start_function(import_and_be_interrupted, str(tmp_path), str(errors))
    process.join(60)
    assert process.exitcode == 143
    assert errors.read_text() == "error: interrupted\n"


def copy_itself() -> None:
    """Ends as a copy of it ends that gets a signal."""
    take_defaults()
    with ended_by_signals():
        pid = os.fork()
        if pid == 0:
            signal.raise_signal(signal.SIGTERM)
            end_at_once(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    end_at_once(7 if status == -signal.SIGTERM else 1)


@processes
def test_a_copy_of_the_process_ends_as_it_would_without(tmp_path: Path) -> None:
    process = start_function(copy_itself)
    process.join(60)
    assert process.exitcode == 7


def end_with(code: int) -> None:
    """Gets a signal after its work is done."""
    take_defaults()
    leave_at_next_signal(code)
    signal.raise_signal(signal.SIGINT)


@processes
def test_a_signal_after_the_end_does_not_change_the_exit_code() -> None:
    process = start_function(end_with, 3)
    process.join(60)
    assert process.exitcode == 3


@pytest.mark.parametrize("signum", ENDS)
@pytest.mark.parametrize("step", ["predict_step", "test_step"])
def test_a_measurement_and_a_prediction_end_at_once(
    signum: int, step: str, finished_run: Callable[..., Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning takes SIGTERM, and goes on to the end."""
    finished_run()
    monkeypatch.setattr(VGG, step, sending(signum, getattr(VGG, step)))
    words = ("--output", "x.csv") if step == "predict_step" else ()
    code, _, errors = command(step.removesuffix("_step"), "--ckpt_path", "run", *words)
    assert (code, errors) == (CODES[signum], "error: interrupted\n")
    assert not Path("x.csv").exists()


@pytest.mark.parametrize("signum", ENDS)
@pytest.mark.parametrize("moment", ["synthesize", "train_dataloader"])
def test_a_run_that_has_not_begun_to_train_leaves_nothing(
    signum: int, moment: str, config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = ("fit", "--config", config, "--run_dir", "made/run", "--trainer.max_steps", 1)
    with monkeypatch.context() as patch:
        patch.setattr(TinyDataModule, moment, sending(signum, getattr(TinyDataModule, moment)))
        code, _, errors = command(*fit)
    assert (code, errors) == (CODES[signum], "error: interrupted\n")
    assert not Path("made").exists()
    assert command(*fit)[0] == 0, "the same command begins anew"


def test_a_run_that_could_not_save_says_how_to_go_on(
    config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.processes.signals.TOGETHER", 0.0)
    step, calls = VGG.training_step, []

    def interrupted_twice(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            for _ in range(2):
                signal.raise_signal(signal.SIGTERM)
        return step(*arguments)

    monkeypatch.setattr(VGG, "training_step", interrupted_twice)
    code, output, errors = command("fit", "--config", config, "--run_dir", "run")
    assert (code, errors) == (143, "error: interrupted\n")
    assert output.rstrip().endswith("fit --ckpt_path run")
    code, output, _ = command("fit", "--ckpt_path", "run", "--trainer.max_epochs", 1)
    assert code == 0, output
