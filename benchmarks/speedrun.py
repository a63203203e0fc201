"""Training by `speedrun.yaml` on a CPU, compared with airbench94_muon moved to the same CPU.

    python -m benchmarks.speedrun --data_dir DIR --peer_script airbench94_muon.py

The peer is to be downloaded from github.com/KellerJordan/cifar10-airbench. Both make all their epochs, of the first
`--images` training pictures: a fifth of them if not given, which is enough to compare speeds; 50000 makes whole runs,
whose accuracy counts. `--config` takes another config of ours. Seconds are the peer's: those of the whitening layer and
of training, without evaluation.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_parts.airbench import CIFAR10_SIZES, Peer, write_pictures
from benchmarks.gpu_parts.settings import Settings
from benchmarks.gpu_parts.speedrun import Ours
from benchmarks.measure import parser, ratio, show, source_of, spread, write

BATCH = 2000
PATIENCE = 3600.0  # seconds that a run of the peer may take


def measure(ours: Ours, peer: Peer, pairs: int) -> dict[str, Any]:
    """Runs both in turns.

    Returns:
        Seconds of each, accuracies in percent, and the ratio of ours to the peer's.
    """
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    accuracy: dict[str, list[float]] = {"ours": [], "peer": []}
    for seed in range(pairs):
        for name, run in (("ours", ours.run(seed)), ("peer", peer.run(seed, PATIENCE))):
            seconds[name].append(run["seconds" if name == "ours" else "training_seconds"])
            accuracy[name].append(100 * run["accuracy"])
            print(f"  {seed + 1}/{pairs}  {name}  {seconds[name][-1]:8.1f} s  {accuracy[name][-1]:.2f} %", flush=True)
    return {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "accuracy": {name: spread(values) for name, values in accuracy.items()},
        "ours_of_peer": ratio(seconds["ours"], seconds["peer"]),
    }


def main(argv: list[str] | None = None) -> None:
    """Measures both and writes the record."""
    options = parser(__doc__, pairs=3)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--peer_script", type=Path, required=True, help="airbench94_muon.py")
    options.add_argument("--images", type=int, default=10_000, help="training pictures (default: %(default)s)")
    options.add_argument("--config", default="speedrun.yaml", help="ours (default: %(default)s)")
    options.add_argument("--settings", default="", help="more settings of our runs, in one string")
    arguments = options.parse_args(argv)
    is_whole = arguments.images == CIFAR10_SIZES["train"]
    more = arguments.settings
    if not is_whole:
        more += (
            f" --trainer.limit_train_batches {arguments.images / CIFAR10_SIZES['train']} --trainer.limit_test_batches 1"
        )
    data_dir, script = arguments.data_dir and arguments.data_dir.resolve(), arguments.peer_script.resolve()
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(Settings(torch.device("cpu"), data_dir=data_dir, more=more), Path(folder), arguments.config)
        few = {"train": slice(arguments.images), "test": slice(None if is_whole else BATCH)}
        write_pictures({part: ours.splits[part].take(kept) for part, kept in few.items()}, Path(folder))
        peer = Peer(script, Path(folder), PATIENCE, on_cpu=True)
        try:
            results = measure(ours, peer, arguments.pairs)
        finally:
            peer.close()
    if not is_whole:
        del results["accuracy"]
    show("speedrun: seconds, of the peer's", results["ours_of_peer"])
    write(__file__, results, arguments, source_of(arguments.data_dir), device="cpu")


if __name__ == "__main__":
    main()
