"""A run of two processes that torchrun starts again after each kill ends with the same bits; run by hand.

    python -m tests.campaigns.torchrun_kills --kills 20 --folder DIR [--forked]

Either process gets SIGKILL: most times at a random moment after something new has been saved, else while it starts.
With `--forked` torchrun's agent forks the processes, which saves their imports.
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

from tests.bits import assert_same_bits, figures_of
from tests.processes import ROOT, descendants
from tests.tiny import TINY_CONFIG

EARLY = 0.2  # share of the kills that strike while the processes start
SLOWLY = ("--trainer.callbacks", "tests.tiny.Slow", "--checkpoint.every_n_train_steps", "4")
PARTS = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")  # of a checkpoint, that are compared


def command(run: str, epochs: int, *more: str) -> list[str]:
    """Returns what follows `torchrun`'s own options: a run of the tiny model that begins, or goes on."""
    words = [str(ROOT / "cli.py"), "fit", "--config", "tiny.yaml", "--run_dir", run, "--resume", "auto"]
    return [*words, "--trainer.devices", "auto", "--trainer.max_epochs", str(epochs), *more]


def torchrun(forked: bool) -> list[str]:
    """Returns the words that start torchrun, or a form of it that forks its processes."""
    return [sys.executable, "-m", "tests.campaigns.forking_torchrun" if forked else "torch.distributed.run"]


def start(folder: Path, run: str, kills: int, epochs: int, forked: bool) -> subprocess.Popen:
    """Starts torchrun with a run of two processes."""
    words = [*torchrun(forked), "--standalone", "--nproc-per-node", "2"]
    words += ["--max-restarts", str(kills), *command(run, epochs, *SLOWLY)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with open(folder / f"{run}.log", "w") as log:
        return subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)


def campaign(folder: Path, kills: int, seed: int, forked: bool) -> None:
    """Kills, and compares."""
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(TINY_CONFIG)
    epochs, rng, began = 4 + kills, random.Random(seed), time.monotonic()
    done = {"first": 0, "second": 0, "while starting": 0}
    killed = start(folder, "killed", kills, epochs, forked)
    checkpoint, saved = folder / "killed" / "checkpoints" / "last.ckpt", 0.0
    while done["first"] + done["second"] < kills and killed.poll() is None:
        early = saved > 0 and rng.random() < EARLY
        while not early and killed.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime == saved):
            time.sleep(0.1)
        time.sleep(rng.uniform(0.0, 5.0 if early else 0.5))
        ranks = descendants(killed.pid)
        if len(ranks) == 2:
            saved = checkpoint.stat().st_mtime
            rank = rng.randrange(2)
            os.kill(ranks[rank], signal.SIGKILL)
            done["second" if rank else "first"] += 1
            done["while starting"] += early
    assert killed.wait() == 0, (folder / "killed.log").read_text()
    whole = start(folder, "whole", 0, epochs, forked)
    assert whole.wait() == 0, (folder / "whole.log").read_text()
    compare(folder / "killed", folder / "whole")
    print(
        f"{done['first']} kills of the first process and {done['second']} of the second, {done['while starting']} of "
        "them soon after another; the bits are those of an undisturbed run"
    )
    print(f"{time.monotonic() - began:.0f} s")


def compare(run: Path, other: Path) -> None:
    """Checks that two runs have the same bits and figures.

    Raises:
        AssertionError: They have not.
    """
    ours, theirs = (torch.load(one / "checkpoints" / "last.ckpt", weights_only=True) for one in (run, other))
    for part in PARTS:
        assert_same_bits(ours[part], theirs[part], part)
    assert figures_of(run / "metrics.csv") == figures_of(other / "metrics.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--forked", action="store_true")
    arguments = parser.parse_args()
    campaign(arguments.folder.resolve(), arguments.kills, arguments.seed, arguments.forked)
