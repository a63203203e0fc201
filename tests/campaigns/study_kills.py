"""A study whose workers and runs are killed at random ends with the same bits; run by hand, for it takes minutes.

    python -m tests.campaigns.study_kills --kills 100 --folder DIR

Two commands make one study side by side. Again and again a process is chosen, of a command, of what its trials are
forked from, or of a trial, and gets SIGKILL; a command that has ended is given again. At last nobody is killed.
Then each trial must have ended, none twice, with the bits and rows of a study that nobody has disturbed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import torch
import yaml

from tests.bits import assert_same_bits
from tests.processes import ROOT, descendants
from tests.tiny import TINY_CONFIG

STUDY = {
    "command": ["python", "cli.py", "fit", "--config", "tiny.yaml", "--config", "${args_json_file}"],
    "method": "grid",
    "metric": {"name": "val/loss", "goal": "minimize"},
    "parameters": {
        "model.optimizer.lr": {"values": [0.1, 0.01, 0.001]},
        "model.lr_scheduler": {"values": [None, {"class_path": "lightning_modules.schedules.WarmupCosine"}]},
        "trainer.max_epochs": {"value": 12},
        "trainer.callbacks": {"value": ["tests.tiny.Slow"]},
        "checkpoint.every_n_train_steps": {"value": 4},
    },
}
KINDS = {"command": 0.2, "server": 0.1, "trial": 0.7}


class Command:
    """One of the commands that make the study.

    Args:
        folder: Folder of the study's file.
        name: Name of the study's folder.
        workers: Trials at a time.
    """

    def __init__(self, folder: Path, name: str, workers: int) -> None:
        self.words = [sys.executable, str(ROOT / "cli.py"), "study", "kills.yaml", "--run_dir", name]
        self.words += ["--workers", str(workers), "--seeds", "1,2"]
        self.folder, self.log = folder, folder / f"{name}.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Gives the command, unless it runs."""
        if self.process is None or self.process.poll() is not None:
            environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            with open(self.log, "a") as log:
                self.process = subprocess.Popen(
                    self.words, cwd=self.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
                )

    def processes(self) -> dict[str, list[int]]:
        """Returns its processes by kind."""
        found: dict[str, list[int]] = {kind: [] for kind in KINDS}
        if self.process is not None and self.process.poll() is None:
            found["command"] = [self.process.pid]
            for child in descendants(self.process.pid):
                forked = descendants(child)
                found["trial"] += forked
                found["server"] += [child] if forked else []
        return found


def campaign(folder: Path, kills: int, seed: int) -> None:
    """Kills, and compares.

    Args:
        folder: An empty folder.
        kills: How many processes are killed.
        seed: Seed of what is killed when.
    """
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(TINY_CONFIG)
    (folder / "kills.yaml").write_text(yaml.safe_dump(STUDY))
    whole = Command(folder, "whole", 2)
    whole.start()
    assert whole.process.wait() == 0, whole.log.read_text()

    rng, counts, began = random.Random(seed), Counter(), time.monotonic()
    commands = [Command(folder, "killed", 1), Command(folder, "killed", 1)]
    rounds = 0
    while counts.total() < kills:
        for command in commands:
            command.start()
        time.sleep(rng.uniform(1.0, 8.0))
        kind = rng.choices([*KINDS], [*KINDS.values()])[0]
        chosen = [pid for command in commands for pid in command.processes()[kind]]
        if chosen:
            try:
                os.kill(rng.choice(chosen), signal.SIGKILL)
            except ProcessLookupError:
                continue
            counts[kind] += 1
        ended = [json.loads(path.read_text())["ended"] for path in (folder / "killed").glob("0*/trial.json")]
        if len(ended) == 12 and all(ended):  # all is made before all kills are done: another study
            for command in commands:
                command.start()
                assert command.process.wait() == 0, command.log.read_text()
            check(folder, f"killed-{rounds}")
            rounds += 1
    for command in commands:
        command.start()
    codes = [command.process.wait() for command in commands]
    check(folder, f"killed-{rounds}")
    print(f"kills: {dict(counts)}, in {rounds + 1} studies of 12 trials; exit codes at the end {codes}")
    print(f"{time.monotonic() - began:.0f} s; all trials have the bits of undisturbed ones")


def check(folder: Path, name: str) -> None:
    """Compares the killed study with the other, and sets it aside under a name."""
    (folder / "killed").rename(folder / name)
    ours, theirs = (sorted((folder / one).glob("0*")) for one in (name, "whole"))
    assert [run.name for run in ours] == [run.name for run in theirs]
    for run, other in zip(ours, theirs, strict=True):
        trial = json.loads((run / "trial.json").read_text())
        assert trial["ended"]["status"] == "finished", trial
        for checkpoint in ("last.ckpt", "best.ckpt"):
            a, b = (torch.load(one / "checkpoints" / checkpoint, weights_only=True) for one in (run, other))
            for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch"):
                assert_same_bits(a[part], b[part], f"{run.name} {checkpoint} {part}")
        assert (run / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes(), run.name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    campaign(arguments.folder.resolve(), arguments.kills, arguments.seed)
