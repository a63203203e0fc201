"""A run of two processes that torchrun starts again after each kill ends with the same bits; run by hand.

    python -m tests.campaigns.torchrun_kills --kills 20 --folder DIR

Either process gets SIGKILL, at a random time after something new has been saved.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from tests.bits import assert_same_bits
from tests.processes import ROOT, descendants
from tests.tiny import TINY_CONFIG


def start(folder: Path, run: str, kills: int, epochs: int) -> subprocess.Popen:
    """Starts torchrun with a run of two processes."""
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += ["--max-restarts", str(kills), str(ROOT / "cli.py"), "fit", "--config", "tiny.yaml", "--run_dir", run]
    words += [
        "--resume",
        "auto",
        "--trainer.devices",
        "2",
        "--trainer.strategy",
        "ddp",
        "--trainer.max_epochs",
        str(epochs),
    ]
    words += ["--trainer.callbacks", "tests.tiny.Slow", "--checkpoint.every_n_train_steps", "4"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with open(folder / f"{run}.log", "w") as log:
        return subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)


def campaign(folder: Path, kills: int, seed: int) -> None:
    """Kills, and compares."""
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(TINY_CONFIG)
    epochs, rng, done, began = 4 + kills, random.Random(seed), [0, 0], time.monotonic()
    killed = start(folder, "killed", kills, epochs)
    checkpoint, saved = folder / "killed" / "checkpoints" / "last.ckpt", 0.0
    while sum(done) < kills and killed.poll() is None:
        if not checkpoint.exists() or checkpoint.stat().st_mtime == saved:
            time.sleep(0.02)
            continue
        time.sleep(rng.uniform(0.0, 0.5))
        saved = checkpoint.stat().st_mtime
        ranks = descendants(killed.pid)
        if len(ranks) == 2:
            rank = rng.randrange(2)
            os.kill(ranks[rank], signal.SIGKILL)
            done[rank] += 1
    assert killed.wait() == 0, (folder / "killed.log").read_text()
    whole = start(folder, "whole", 0, epochs)
    assert whole.wait() == 0, (folder / "whole.log").read_text()
    ours, theirs = (
        torch.load(folder / run / "checkpoints" / "last.ckpt", weights_only=True) for run in ("killed", "whole")
    )
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert_same_bits(ours[part], theirs[part], part)
    print(f"{done[0]} and {done[1]} kills of the two processes; the bits are those of an undisturbed run")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    campaign(arguments.folder.resolve(), arguments.kills, arguments.seed)
