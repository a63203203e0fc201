"""What only a GPU can show: the speedrun, overhead, input, exact resume, number formats, waits, several GPUs.

    python -m benchmarks.gpu --data_dir DIR --peer_script airbench94_muon.py

Every part runs in a process of its own, within a limit of time, and the record is written after each: what is broken
off keeps what it has measured, and a later call with other `--parts` adds to it; each part says when and of what it was
made. The speedrun's peer is airbench94_muon.py of github.com/KellerJordan/cifar10-airbench, which is to be downloaded;
it is run as it is, in turns with ours. `--device cpu --quick` tries the script itself.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.gpu_parts import airbench
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import FOLDER, environment, facts, parser, source_of, write
from core.processes.hardware import hardware

PARTS = {  # the most seconds of each
    "resume": 120,
    "speedrun": 300,
    "precision": 120,
    "overhead": 100,
    "input": 60,
    "waits": 75,
    "ddp": 120,
}
MADE = ("date", "versions", "data", "options")  # facts that a call's parts have in common


def run_part(part: str, words: list[str], limit: float) -> dict[str, Any]:
    """Runs a part in a process of its own, and whatever it starts.

    Args:
        part: Its name.
        words: The command line's options.
        limit: Seconds after which it is ended.

    Returns:
        What it has found, how it ended and after how many seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        into, began = Path(folder) / "found.json", time.monotonic()
        command = [sys.executable, "-m", "benchmarks.gpu", *words, "--parts", part, "--into", str(into)]
        process = subprocess.Popen(command, env=environment(), process_group=0)
        try:
            code = process.wait(limit)
            ended = "finished" if code == 0 else f"failed with exit code {code}"
        except subprocess.TimeoutExpired:
            ended = f"broken off after {limit:.0f} seconds"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        found = json.loads(into.read_text()) if into.exists() else {}
        return found | {"ended": ended, "took_seconds": round(time.monotonic() - began, 1)}


@contextmanager
def peer_prepared(script: Path | None, patience: float) -> Iterator[None]:
    """Compiles the speedrun's peer during the block, so that its own start finds that done; waits for it at the end.

    Args:
        script: The peer, if there is one.
        patience: The most seconds to wait.
    """
    if script is None:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        process = airbench.start(script.resolve(), Path(folder), ["--prepare"], Path(folder) / "peer.log")
        began = time.monotonic()
        try:
            yield
            process.wait(max(1.0, patience - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            print("the peer is still compiling: it is ended, and begins again with what it has")
        finally:
            airbench.end(process)


def earlier(record: Path, device: str) -> dict[str, Any]:
    """Returns what the record holds of earlier calls on the same hardware; parts that are measured again replace it."""
    content = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    if content.get("hardware") != hardware(device):
        return {}
    made = {name: content[name] for name in MADE}  # of parts that do not say it themselves
    return {part: {"made": made} | found for part, found in content["results"].items()}


def options() -> Any:
    """Returns the parser of the command line."""
    made = parser(__doc__, pairs=3)
    made.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="parts, in this order")
    made.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="what computes (default: %(default)s)")
    made.add_argument("--quick", action="store_true", help="tiny sizes, to try the script")
    made.add_argument("--runs", type=int, default=10, help="runs of the speedrun (default: %(default)s)")
    made.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    made.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    made.add_argument("--peer_script", type=Path, help="the speedrun's peer, airbench94_muon.py")
    made.add_argument("--settings", default="", help="more settings of the speedrun's runs, in one string")
    made.add_argument("--patience", type=float, default=1.0, help="factor of all limits of time (default: %(default)s)")
    made.add_argument("--into", type=Path, help="measure one part in this process, and write what it finds here alone")
    return made


def main(argv: list[str] | None = None) -> None:
    """Measures all parts, and writes the record after each."""
    words = sys.argv[1:] if argv is None else argv
    arguments = options().parse_args(words)
    if arguments.into is not None:
        (part,) = arguments.parts
        importlib.import_module(f"benchmarks.gpu_parts.{part}").measure(
            Settings.of(arguments), Findings(arguments.into)
        )
        return
    results = earlier(arguments.output or FOLDER / "gpu.json", arguments.device)
    call = _kept(arguments), source_of(arguments.data_dir), arguments.device
    for part in arguments.parts:
        print(f"== {part}", flush=True)
        prepares = part == "resume" and "speedrun" in arguments.parts  # which is not timed
        with peer_prepared(arguments.peer_script if prepares else None, arguments.patience * PARTS[part]):
            found = run_part(part, words, arguments.patience * PARTS[part])
        results[part] = found | {"made": {name: facts(*call)[name] for name in MADE}}
        print(f"== {part}: {results[part]['ended']}, {results[part]['took_seconds']} seconds", flush=True)
        write(__file__, results, *call)


def _kept(arguments: Namespace) -> Namespace:
    """Returns the options that the record keeps: no paths of this machine."""
    left_out = ("into", "peer_script")
    return Namespace(**{name: value for name, value in vars(arguments).items() if name not in left_out})


if __name__ == "__main__":
    main()
