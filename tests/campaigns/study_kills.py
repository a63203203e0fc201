"""A study whose workers and runs are killed at random ends with the same bits; run by hand, for it takes minutes.

    python -m tests.campaigns.study_kills --kills 100 --folder DIR

Two commands make one study side by side. Again and again a process is chosen, of a command, of what its trials are
forked from, or of a trial, and gets SIGKILL; a command that has ended is given again. At last nobody is killed.
Then each trial must have ended, none twice, with the bits and rows of a study that nobody has disturbed.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
import yaml

from tests.bits import assert_same_bits, figures_of
from tests.processes import descendants, fork_server, run_apart, start_function
from tests.tiny import TINY_CONFIG

STUDY = {
    "command": ["python", "cli.py", "fit", "--config", "tiny.yaml", "--config", "${args_json_file}"],
    "method": "grid",
    "metric": {"name": "val/loss", "goal": "minimize"},
    "parameters": {
        "model.optimizer.lr": {"values": [0.1, 0.01, 0.001]},
        "model.lr_scheduler": {"values": [None, {"class_path": "lightning_modules.schedules.WarmupCosine"}]},
        "trainer.max_epochs": {"value": 6},
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
        self.words = ["study", "kills.yaml", "--run_dir", name, "--workers", str(workers)]
        self.folder, self.log = folder, folder / f"{name}.log"
        self.process: BaseProcess | None = None

    def start(self) -> None:
        """Gives the command, unless it runs."""
        if self.process is None or not self.process.is_alive():
            self.process = start_function(run_apart, self.words, str(self.folder), str(self.log))

    def wait(self) -> int | None:
        """Waits for its end; returns its exit code."""
        self.process.join()
        return self.process.exitcode

    def processes(self) -> dict[str, list[int]]:
        """Returns its processes by kind."""
        found: dict[str, list[int]] = {kind: [] for kind in KINDS}
        if self.process is not None and self.process.is_alive():
            found["command"] = [self.process.pid]
            with contextlib.suppress(OSError):  # one ends while it is looked at
                for child in descendants(self.process.pid):
                    forked = descendants(child)
                    found["trial"] += forked
                    found["server"] += [child] if forked else []
        return found


def campaign(folder: Path, kills: int, seed: int, minutes: float) -> None:
    """Kills, and compares.

    Args:
        folder: An empty folder.
        kills: How many processes are killed.
        seed: Seed of what is killed when.
        minutes: After which nobody is killed any more, however few have been.
    """
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(TINY_CONFIG)
    (folder / "kills.yaml").write_text(yaml.safe_dump(STUDY))
    whole = Command(folder, "whole", 2)
    whole.start()
    assert whole.wait() == 0, whole.log.read_text()

    rng, counts, began = random.Random(seed), Counter(), time.monotonic()
    commands = [Command(folder, "killed", 1), Command(folder, "killed", 1)]
    rounds = revived = 0
    saved = 0.0
    while counts.total() < kills and time.monotonic() - began < 60 * minutes:
        for command in commands:
            command.start()
        while (newest := last_save(folder / "killed")) == saved and not is_over(folder / "killed"):
            time.sleep(0.05)  # until something has been won that can be lost
            for command in commands:
                command.start()
        saved = newest
        time.sleep(rng.uniform(0.0, 2.0))
        kind = rng.choices([*KINDS], [*KINDS.values()])[0]
        chosen = [pid for command in commands for pid in command.processes()[kind]]
        if chosen:
            try:
                os.kill(rng.choice(chosen), signal.SIGKILL)
            except ProcessLookupError:
                continue
            counts[kind] += 1
        if is_over(folder / "killed"):  # before all kills are done: another study
            revived += conclude(commands, folder, f"killed-{rounds}")
            rounds += 1
            print(f"{counts.total()} kills", flush=True)
    revived += conclude(commands, folder, f"killed-{rounds}")
    print(
        f"kills: {dict(counts)}, in {rounds + 1} studies of 6 trials; {revived} trials were killed until they had ended"
    )
    print(f"{time.monotonic() - began:.0f} s; all trials have the bits of undisturbed ones")


def last_save(study: Path) -> float:
    """Returns when a trial last saved a checkpoint."""
    return max((path.stat().st_mtime for path in study.glob("0*/checkpoints/last.ckpt")), default=0.0)


def is_over(study: Path) -> bool:
    """Returns whether all trials have ended."""
    ended = [json.loads(path.read_text())["ended"] for path in study.glob("0*/trial.json")]
    return len(ended) == 6 and all(ended)


def conclude(commands: list[Command], folder: Path, name: str) -> int:
    """Lets a study end, and compares it; returns how many trials had been killed until they ended, and were revived."""
    for command in commands:
        command.start()
    for command in commands:
        command.wait()
    trials = [json.loads(path.read_text()) for path in (folder / "killed").glob("0*/trial.json")]
    killed = sum(trial["ended"]["status"] == "killed" for trial in trials)
    if killed:
        last = Command(folder, "killed", 2)
        last.words += ["--revive", "killed"]
        last.start()
        last.wait()
    check(folder, name)
    return killed


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
        assert figures_of(run / "metrics.csv") == figures_of(other / "metrics.csv"), run.name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    fork_server()
    campaign(arguments.folder.resolve(), arguments.kills, arguments.seed, arguments.minutes)
