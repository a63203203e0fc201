"""Training against the clock on a CPU, compared with airbench94_muon moved to the same CPU.

    python -m benchmarks.speedrun --data_dir DIR --peer_script FILE --configs speedrun_filtered.yaml

The peer's file, airbench94_muon.py, is to be downloaded from github.com/KellerJordan/cifar10-airbench. Each config and
the peer make whole runs, on all training pictures. (With fewer, the peer's time is more than their part of a whole
run's.) Seconds are the peer's: those of the whitening layer and of training, without evaluation.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_parts.airbench import Peer, write_pictures
from benchmarks.gpu_parts.settings import Settings
from benchmarks.gpu_parts.speedrun import Ours
from benchmarks.measure import parser, ratio, show, source_of, summarize, write

CONFIGS = ["speedrun.yaml", "speedrun_filtered.yaml"]
PATIENCE = 3600.0  # seconds that a run of the peer may take


def measure(ours: dict[str, Ours], peer: Peer, pairs: int) -> dict[str, Any]:
    """Runs all configs and the peer in turns.

    Args:
        ours: Makes runs of each config, by its name.
        peer: Makes the peer's.
        pairs: Runs of each.

    Returns:
        Seconds of each, accuracies in percent, and the ratios of each config's seconds to the peer's.
    """
    seconds: dict[str, list[float]] = {name: [] for name in (*ours, "peer")}
    accuracy: dict[str, list[float]] = {name: [] for name in seconds}
    for seed in range(pairs):
        for name in seconds:
            run = ours[name].run(seed) if name in ours else peer.run(seed, PATIENCE)
            seconds[name].append(run["seconds" if name in ours else "training_seconds"])
            accuracy[name].append(100 * run["accuracy"])
            print(f"  {seed + 1}/{pairs}  {name}  {seconds[name][-1]:8.1f} s  {accuracy[name][-1]:.2f} %", flush=True)
    return {
        "seconds": {name: summarize(values) for name, values in seconds.items()},
        "accuracy": {name: summarize(values) for name, values in accuracy.items()},
        "of_peer": {name: ratio(seconds[name], seconds["peer"]) for name in ours},
    }


def main(argv: list[str] | None = None) -> None:
    """Measures all configs and the peer, and writes the record."""
    options = parser(__doc__, pairs=3)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--peer_script", type=Path, required=True, help="airbench94_muon.py")
    options.add_argument("--configs", nargs="+", default=CONFIGS, help="ours (default: %(default)s)")
    options.add_argument("--settings", default="", help="more settings of our runs, in one string")
    arguments = options.parse_args(argv)
    names = [Path(config).stem for config in arguments.configs]
    if len({*names, "peer"}) <= len(names):
        options.error(f"--configs {' '.join(arguments.configs)}: their names, and peer, must differ; rename one")
    data_dir, script = arguments.data_dir and arguments.data_dir.resolve(), arguments.peer_script.resolve()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(torch.device("cpu"), data_dir=data_dir, more=arguments.settings)
        runs = [Ours(settings, Path(folder), config) for config in arguments.configs]
        ours = dict(zip(names, runs, strict=True))
        write_pictures(runs[0].splits, Path(folder))
        peer = Peer(script, Path(folder), PATIENCE, on_cpu=True)
        try:
            results = measure(ours, peer, arguments.pairs)
        finally:
            peer.close()
    for name, found in results["of_peer"].items():
        show(f"{name}: seconds, of the peer's", found)
    write(__file__, results, arguments, source_of(arguments.data_dir), device="cpu")


if __name__ == "__main__":
    main()
