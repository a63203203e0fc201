"""Seconds from the command's start to an accuracy on CIFAR-10's test images, for whole runs with several seeds.

    python -m benchmarks.time_to_accuracy --data_dir DIR --configs vgg_bn.yaml speedrun.yaml --seeds 42 1 2

A benchmark may look at test images as it goes; nothing is selected by what it sees. Every run is the command itself
with a callback that puts the test images in the place of the validation split. Seconds are those since the process
began, less what the looks take, but for the last one: it sees each image as `test` would, through the config's views,
and counts. `--stop_at` ends runs once they have passed an accuracy. Each finished run is kept, so that a call that is
broken off goes on where it was.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.measure import ROOT, data_flags, parser, show, source_of, summarize, write
from callbacks import Views
from datamodules.images.splits import ClassifiedImages

THRESHOLDS = (0.8245, 0.90, 0.93, 0.94)
BEGAN = "PRIMER_BENCHMARK_BEGAN"  # when the process was started, by the wall clock


class WatchTest(Callback):
    """Validates on the test images and records the time in `looks.json` of the run.

    Args:
        stop_at: Accuracy, 0 to 1, at which the run may end.
    """

    def __init__(self, stop_at: float | None = None) -> None:
        self.stop_at = stop_at
        self.looks: list[dict[str, float]] = []
        self._looking = 0.0  # seconds

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Replaces the validation split by the test images."""
        splits = trainer.datamodule.splits
        splits["val"] = ClassifiedImages(splits["test"].images, splits["test"].targets)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts a validation; the last one uses the config's views."""
        self._began = time.time()
        views = trainer.builtin(Views)
        last = trainer.current_epoch + 1 == trainer.max_epochs
        pl_module.views = views.of if last else None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Records time and accuracy."""
        now = time.time()
        pl_module.views = None
        if trainer.current_epoch + 1 < trainer.max_epochs:
            self._looking += now - self._began
        seconds = now - float(os.environ[BEGAN]) - self._looking
        accuracy = float(trainer.callback_metrics["val/acc"])
        self.looks.append({"epoch": trainer.current_epoch + 1, "seconds": seconds, "accuracy": accuracy})
        (trainer.run_folder.path / "looks.json").write_text(json.dumps(self.looks, indent=2) + "\n", encoding="utf-8")
        if self.stop_at is not None and accuracy >= self.stop_at:
            trainer.should_stop = True


def looks(config: str, seed: int, options: list[str], folder: Path) -> list[dict[str, float]]:
    """Makes a run, unless it exists, and returns its times and accuracies.

    Raises:
        SystemExit: The folder is of something else.
    """
    kept, begun, done = folder / "looks.json", folder.with_name(f"{folder.name}.begun"), folder / "done"
    if begun.exists():
        shutil.rmtree(folder, ignore_errors=True)  # the seconds of an interrupted run mean nothing
    if not done.exists():
        if folder.exists():
            raise SystemExit(f"{folder}: is no run of this benchmark; name another folder with --runs_dir")
        folder.parent.mkdir(parents=True, exist_ok=True)
        begun.touch()
        watch = ["--trainer.callbacks+=benchmarks.time_to_accuracy.WatchTest", *options]
        command = [sys.executable, "cli.py", "fit", "--config", config, "--seed_everything", str(seed)]
        subprocess.run(
            [*command, "--run_dir", str(folder), *watch],
            cwd=ROOT,
            env={**os.environ, BEGAN: str(time.time())},
            check=True,
        )
        begun.rename(done)
    return json.loads(kept.read_text(encoding="utf-8"))


def seconds_to(threshold: float, seen: list[dict[str, float]]) -> float | None:
    """Returns the seconds at which a run first passed an accuracy, if it did."""
    return next((look["seconds"] for look in seen if look["accuracy"] >= threshold), None)


def main() -> None:
    """Makes all runs and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--configs", nargs="+", default=["vgg_bn.yaml", "speedrun.yaml"], help="configs to run")
    options.add_argument("--seeds", nargs="+", type=int, default=[42, 1, 2], help="seeds of each")
    options.add_argument("--max_epochs", type=int, help="another length of the runs than their configs'")
    options.add_argument("--stop_at", type=float, help="accuracy, 0 to 1, at which a run may end")
    options.add_argument("--runs_dir", type=Path, default=Path("runs/time_to_accuracy"), help="where runs are kept")
    arguments = options.parse_args()
    flags = data_flags(arguments.data_dir)
    if arguments.max_epochs:
        flags += ["--trainer.max_epochs", str(arguments.max_epochs)]
    if arguments.stop_at:
        flags.insert(0, f"--trainer.callbacks.stop_at={arguments.stop_at}")
    results: dict[str, Any] = {}
    for config in arguments.configs:
        stem = Path(config).stem
        folder = (arguments.runs_dir / stem).resolve()
        runs = [looks(config, seed, flags, folder / str(seed)) for seed in arguments.seeds]
        times = {threshold: [seconds_to(threshold, seen) for seen in runs] for threshold in THRESHOLDS}
        results[stem] = {
            "seeds": arguments.seeds,
            "accuracy_at_the_end": summarize([100 * seen[-1]["accuracy"] for seen in runs]),
            "mean_accuracy_at_the_end": sum(100 * seen[-1]["accuracy"] for seen in runs) / len(runs),
            "seconds_at_the_end": summarize([seen[-1]["seconds"] for seen in runs]),
            "seconds_to": {
                f"{100 * threshold:g} %": summarize(passed)
                for threshold, seconds in times.items()
                if len(passed := [value for value in seconds if value is not None]) == len(runs)
            },
            "looks": runs,
        }
        show(f"{stem}: accuracy at the end, %", results[stem]["accuracy_at_the_end"], 2)
        for name, values in results[stem]["seconds_to"].items():
            show(f"{stem}: seconds to {name}", values, 0)
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
