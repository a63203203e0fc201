"""Nobody who stops reading, and no disk that is full, ends a run."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import cli
from callbacks import Progress, RunCheckpoint
from core.terminal.console import print_line
from core.terminal.streams import LastingStream, lasting_streams
from tests.bits import figures_of
from tests.processes import ROOT, finish, start, wait_until
from tests.streams import Broken

needs_linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")


BROKEN = [
    BrokenPipeError(),
    OSError(28, "No space left on device"),
    OSError(5, "Input/output error"),
    ValueError("closed"),
]


@pytest.mark.parametrize("error", BROKEN, ids=["pipe", "full", "terminal", "closed"])
def test_what_cannot_be_written_is_dropped(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(error, after=1)
    stream = LastingStream(broken)
    assert [stream.write("one"), stream.write("two")] == [3, 3]
    stream.flush()
    assert (broken.taken, stream.failure, stream.encoding) == ("one", error, "utf-8")
    monkeypatch.setattr(sys, "stdout", Broken(error))
    print_line("a line")  # as in a notebook or a script, without the command


def test_a_text_that_cannot_be_encoded_is_still_told() -> None:
    error = UnicodeEncodeError("ascii", "ä", 0, 1, "")
    with pytest.raises(UnicodeEncodeError):
        LastingStream(Broken(error)).write("ä")


def test_missing_streams_are_made_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    print_line("a line")
    with lasting_streams() as output:
        print("a line")
        assert output.failure is None
    assert sys.stdout is None


@pytest.mark.parametrize("error", BROKEN, ids=["pipe", "full", "terminal", "closed"])
def test_a_run_that_nobody_watches_trains_on(
    error: Exception, config: Path, finished_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under `fit | head` the record said that the run had failed."""
    whole = finished_run("whole")
    monkeypatch.setattr(sys, "stdout", Broken(error, after=4))
    monkeypatch.setattr(sys, "stderr", Broken(error, after=1))
    monkeypatch.setattr("sys.argv", ["cli.py"])
    assert cli.main(["fit", "--config", str(config), "--run_dir", "run"]) == 0
    assert json.loads(Path("run/summary.json").read_text())["status"] == "finished"
    assert figures_of(Path("run/metrics.csv")) == figures_of(whole / "metrics.csv")


@pytest.mark.parametrize("argv", [["--help"], ["fit", "--help"]])
@pytest.mark.parametrize(("error", "code"), [(BROKEN[0], 0), (BROKEN[1], 1)], ids=["pipe", "full"])
def test_help_that_nobody_reads_to_its_end(
    argv: list[str], error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(error))
    assert cli.main(argv) == (0 if argv[0] == "fit" else code)


@needs_linux
@pytest.mark.parametrize(("target", "code"), [("| head -c 1", 0), ("> /dev/full", 1), (">&-", 0)])
def test_the_process_itself_ends_well(target: str, code: int) -> None:
    """What is left in buffers failed once more at the end of the process."""
    script = f"set -o pipefail; {sys.executable} {ROOT / 'cli.py'} --help {target}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    assert "Exception" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(
    not hasattr(signal, "SIGHUP") or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN,
    reason="Windows has no SIGHUP, and under nohup it is ignored",
)
def test_a_terminal_that_closes_leaves_a_checkpoint(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    slow = ("--trainer.callbacks", "tests.tiny.Slow", "--trainer.max_epochs", 30)
    process = start("fit", "--config", config, "--run_dir", run, *slow)
    wait_until(lambda: (run / "summary.json").exists(), process)
    time.sleep(0.1)
    for _ in range(2):  # the terminal's, and the shell's
        process.send_signal(signal.SIGHUP)
    code, output = finish(process)
    assert code == 129, output
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert json.loads((run / "summary.json").read_text())["status"] == "interrupted"


def test_an_epoch_is_saved_before_its_line_is_printed(
    config: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed in between began an epoch again that it had printed."""
    order: list[str] = []
    for kind in (RunCheckpoint, Progress):
        before = kind.on_train_epoch_end

        def noting(self: object, *arguments: object, before: Callable = before, kind: type = kind) -> None:
            before(self, *arguments)
            order.append(kind.__name__)

        monkeypatch.setattr(kind, "on_train_epoch_end", noting)
    assert command("fit", "--config", config, "--run_dir", "run", "--trainer.max_epochs", 2)[0] == 0
    assert order == ["RunCheckpoint", "Progress"] * 2
