"""The speedrun's peer: airbench94_muon.py of github.com/KellerJordan/cifar10-airbench, which the user downloads.

The script is run as it is: this module imports it and does what its last lines do, with as many runs as are asked for.
On a CPU a copy takes its place (`moved_to_cpu`), in bfloat16 in place of float16, and nothing is compiled.
"""

import contextlib
import importlib.util
import io
import json
import select
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from benchmarks.measure import environment
from datamodules.images.splits import ClassifiedImages

READY = "ready"
CIFAR10_SIZES = {"train": 50_000, "test": 10_000}
MOVED = {'torch.device("cuda")': 'torch.device("cpu")', ".half()": ".bfloat16()"}  # words of the script on a CPU


class Peer:
    """A process that has compiled the peer's network, and trains it whenever it is asked to.

    Args:
        script: The peer.
        folder: Where it runs; holds `cifar10`.
        patience: Seconds within which it has to be ready; else it is started again without compiling.
        on_cpu: Whether it computes on the CPU, where nothing is compiled.

    Attributes:
        compiled: Whether it is compiled.
        seconds: What it took to get ready.

    Raises:
        RuntimeError: It does not run.
    """

    def __init__(self, script: Path, folder: Path, patience: float, on_cpu: bool = False) -> None:
        self._log = folder / "peer.log"
        if on_cpu:
            script = moved_to_cpu(script, folder)
        for words in [["--cpu"]] if on_cpu else [[], ["--eager"]]:
            self.compiled = not words
            began = time.monotonic()
            self._process = start(script, folder, words, self._log)
            if self._answer(patience) == READY:
                self.seconds = time.monotonic() - began
                return
            self.close()
            print(f"the peer {'compiled' if self.compiled else 'as it is'} was not ready: {self._last_words()}")
        raise RuntimeError(f"the peer does not run: {self._last_words()}")

    def run(self, number: int, patience: float = 60.0) -> dict[str, float]:
        """Trains once; returns seconds and the accuracy.

        Raises:
            RuntimeError: It failed.
        """
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        if not (line := self._answer(patience)):
            raise RuntimeError(f"the peer failed: {self._last_words()}")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        end(self._process)

    def _answer(self, patience: float) -> str:
        ready, _, _ = select.select([self._process.stdout], [], [], patience)
        return self._process.stdout.readline().strip() if ready else ""

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


def start(script: Path, folder: Path, words: list[str], log: Path) -> subprocess.Popen:
    """Starts the process of the peer, whose messages go to a file."""
    with log.open("a") as messages:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gpu_parts.airbench", str(script), *words],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
        )


def end(process: subprocess.Popen) -> None:
    """Ends a process and closes its pipes."""
    process.kill()
    process.communicate()


def moved_to_cpu(script: Path, folder: Path) -> Path:
    """Writes a copy of the peer that computes on a CPU, in bfloat16, which CPUs are faster with than with float16.

    Raises:
        RuntimeError: The script is another than the one that this knows.
    """
    text = script.read_text(encoding="utf-8")
    for words, others in MOVED.items():
        if words not in text:
            raise RuntimeError(f"{script}: cannot be moved to the CPU, for it does not say {words}")
        text = text.replace(words, others)
    copy = folder / f"{script.stem}_on_cpu.py"
    copy.write_text(text, encoding="utf-8")
    return copy


class CPUEvent:
    """A moment, in the place of `torch.cuda.Event`."""

    def __init__(self, enable_timing: bool = False) -> None:
        self.moment = 0.0

    def record(self) -> None:
        """Notes the moment."""
        self.moment = time.perf_counter()

    def elapsed_time(self, later: "CPUEvent") -> float:
        """Returns the milliseconds from this moment to a later one."""
        return 1000 * (later.moment - self.moment)


def write_pictures(splits: dict[str, ClassifiedImages], folder: Path) -> None:
    """Writes pictures as the peer caches them, so that it downloads nothing.

    Args:
        splits: Parts `train` and `test`.
        folder: Where the peer runs.
    """
    (folder / "cifar10").mkdir(parents=True, exist_ok=True)
    for part in CIFAR10_SIZES:
        split = splits[part]
        content = {"images": split.images, "labels": split.targets, "classes": [str(number) for number in range(10)]}
        torch.save(content, folder / "cifar10" / f"{part}.pt")


def write_noise(folder: Path) -> None:
    """Writes random pictures in the place of CIFAR-10, for what is compiled does not depend on them."""
    splits = {}
    for part, n in CIFAR10_SIZES.items():
        images = torch.randint(0, 256, (n, 32, 32, 3), dtype=torch.uint8)
        splits[part] = ClassifiedImages(images, torch.randint(0, 10, (n,)))
    write_pictures(splits, folder)


def load(script: Path) -> ModuleType:
    """Imports the peer, which reads its own file by the name under which it was started."""
    sys.argv = [str(script)]
    spec = importlib.util.spec_from_file_location("speedrun_peer", script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def figures(printed: str) -> dict[str, float]:
    """Returns the seconds that a run of the peer has printed.

    Returns:
        `training_seconds`, of the whitening and all epochs; `seconds`, with the evaluation of all views at the end.
    """
    times = {}
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) > 2 and cells[1] != "epoch":
            times["seconds" if cells[1] == "eval" else "training_seconds"] = float(cells[-1])
    return times


def serve(script: Path, on_cpu: bool = False) -> None:
    """Prepares the peer, says so, and trains once for each line that comes in; answers with its figures."""
    answers = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        module = load(script)
        if on_cpu:
            torch.cuda.Event, torch.cuda.synchronize = CPUEvent, lambda: None
            model = module.CifarNet().to(memory_format=torch.channels_last)
        else:
            model = module.CifarNet().cuda().to(memory_format=torch.channels_last)
            model.compile(mode="max-autotune")
            module.main("warmup", model)
    print(READY, file=answers, flush=True)
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            accuracy = module.main(int(line), model)
        found: dict[str, Any] = figures(printed.getvalue()) | {"accuracy": float(accuracy)}
        print(json.dumps(found), file=answers, flush=True)


def main() -> None:
    """Runs the peer in this process."""
    options = ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("script", type=Path)
    options.add_argument("--eager", action="store_true", help="compile nothing")
    options.add_argument("--cpu", action="store_true", help="the script has been moved to the CPU; compile nothing")
    options.add_argument("--prepare", action="store_true", help="fill the compiler's cache on random pictures, and end")
    arguments = options.parse_args()
    if arguments.eager or arguments.cpu:
        torch.compiler.set_stance("force_eager")
    if arguments.prepare:
        write_noise(Path.cwd())
        sys.stdin = io.StringIO()
    serve(arguments.script, arguments.cpu)


if __name__ == "__main__":
    main()
