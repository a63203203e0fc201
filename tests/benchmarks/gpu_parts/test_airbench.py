"""The peer is run as its own last lines do, compiled where that is possible."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.gpu_parts.airbench import CPUEvent, Peer, figures, moved_to_cpu, serve, write_pictures
from datamodules.images.splits import ClassifiedImages

PRINTED = """\
|  run     |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |
----------------------------------------------------------------------------------
|       0  |      0  |     0.5000  |   0.5000  |               |        1.0000  |
|          |      1  |     0.9000  |   0.9000  |               |        2.2500  |
|          |   eval  |     0.9000  |   0.9000  |       0.9400  |        2.5000  |
"""
SCRIPT = """
import sys, torch
with open(sys.argv[0]) as f:
    code = f.read()
runs = []
class CifarNet(torch.nn.Linear):
    def __init__(self):
        super().__init__(1, 1)
    def cuda(self):
        return self
    def compile(self, mode):
        runs.append(mode)
def main(run, model):
    assert torch.load("cifar10/train.pt")["images"].shape == (4, 32, 32, 3)
    runs.append(run)
    print('''PRINTED''')
    return len(runs) / 10
"""
ON_GPU = """
import sys, torch
class CifarNet(torch.nn.Linear):
    def __init__(self):
        super().__init__(1, 1)
        self.half()
def main(run, model):
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert torch.load("cifar10/train.pt", map_location=torch.device("cuda"))["labels"].device.type == "cpu"
    starter, ender = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    starter.record()
    ender.record()
    torch.cuda.synchronize()
    assert starter.elapsed_time(ender) >= 0
    print('''PRINTED''')
    return 0.9
"""
SPEAKS = """
print("ready", flush=True)
for line in sys.stdin:
    print('{"accuracy": ' + line.strip() + "}", flush=True)
"""
FAILS = "print('there is no compiler', file=sys.stderr); sys.exit(1)"


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> dict[bool, str]:
    """What stands in the place of the peer's process, compiled and not, in Python without torch."""
    programs = {True: SPEAKS, False: SPEAKS}
    begin = subprocess.Popen

    def replaced(command: list[str], **how: object) -> subprocess.Popen:
        return begin([sys.executable, "-c", f"import sys\n{programs['--eager' not in command]}"], **how)

    monkeypatch.setattr(subprocess, "Popen", replaced)
    return programs


def test_seconds_are_those_of_the_last_epoch_and_of_the_evaluation() -> None:
    assert figures(PRINTED) == {"training_seconds": 2.25, "seconds": 2.5}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a peer beside its pictures, and what it is asked for; returns its script."""
    split = ClassifiedImages(torch.zeros(4, 32, 32, 3, dtype=torch.uint8), torch.arange(4))
    write_pictures({"train": split, "test": split}, tmp_path)
    monkeypatch.setattr("sys.argv", ["x"])

    def write(text: str, lines: str) -> Path:
        script = tmp_path / "peer.py"
        script.write_text(text.replace("PRINTED", PRINTED))
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        return script

    return write


def test_the_peer_does_what_its_own_last_lines_do(
    asked: Callable[[str, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    serve(asked(SCRIPT, "0\n1\n"))
    first, *answers = capsys.readouterr().out.splitlines()
    assert first == "ready"
    times = {"training_seconds": 2.25, "seconds": 2.5}
    assert [json.loads(answer) for answer in answers] == [times | {"accuracy": 0.3}, times | {"accuracy": 0.4}]
    assert sys.modules.pop("speedrun_peer").runs == ["max-autotune", "warmup", 0, 1]


def test_on_a_cpu_it_runs_without_a_gpu_in_bfloat16(
    asked: Callable[[str, str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("Event", "synchronize"):
        monkeypatch.setattr(torch.cuda, name, None)  # to be put back after the test
    serve(moved_to_cpu(asked(ON_GPU, "0\n"), tmp_path), on_cpu=True)
    first, answer = capsys.readouterr().out.splitlines()
    del sys.modules["speedrun_peer"]
    assert first == "ready"
    assert json.loads(answer) == {"training_seconds": 2.25, "seconds": 2.5, "accuracy": 0.9}


def test_another_script_is_not_moved(tmp_path: Path) -> None:
    script = tmp_path / "other.py"
    script.write_text("print('.half()')")
    with pytest.raises(RuntimeError, match=r"other.py: cannot be moved to the CPU, for it does not say torch.device"):
        moved_to_cpu(script, tmp_path)


def test_events_on_a_cpu_count_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1.0, 3.5])
    monkeypatch.setattr("time.perf_counter", lambda: next(moments))
    begin, end = CPUEvent(enable_timing=True), CPUEvent(enable_timing=True)
    begin.record()
    end.record()
    assert begin.elapsed_time(end) == 2500


def test_a_run_is_asked_for_and_answered(tmp_path: Path, processes: dict[bool, str]) -> None:
    peer = Peer(Path("peer.py"), tmp_path, patience=60)
    try:
        assert peer.compiled
        assert [peer.run(number)["accuracy"] for number in (4, 5)] == [4, 5]
    finally:
        peer.close()


def test_a_peer_that_cannot_be_compiled_runs_as_it_is(
    tmp_path: Path, processes: dict[bool, str], capsys: pytest.CaptureFixture[str]
) -> None:
    processes[True] = FAILS
    peer = Peer(Path("peer.py"), tmp_path, patience=60)
    peer.close()
    assert not peer.compiled
    assert "there is no compiler" in capsys.readouterr().out


def test_a_peer_that_takes_too_long_to_compile_runs_as_it_is(tmp_path: Path, processes: dict[bool, str]) -> None:
    processes[True] = "import time; time.sleep(60)"
    peer = Peer(Path("peer.py"), tmp_path, patience=3)
    peer.close()
    assert not peer.compiled


def test_a_peer_that_does_not_run_is_an_error_with_its_last_words(tmp_path: Path, processes: dict[bool, str]) -> None:
    processes |= {True: FAILS, False: FAILS}
    with pytest.raises(RuntimeError, match="there is no compiler"):
        Peer(Path("peer.py"), tmp_path, patience=60)
