"""Processor time of a study's trial beside its training, compared with a process of its own.

    python -m benchmarks.small_trials --mnist_dir DIR

A whole study by the command counts, with its imports, its checks and the data, divided by its trials: runs of
`published/winit.yaml` with drawn learning rates, a few steps and a validation each, with one thread. Training goes from
the start of the first step to the end of the validation. The first trial of each study is then made again in a process
of its own, and must end with the same bits.
"""

import tempfile
from pathlib import Path

import torch
import yaml

from benchmarks.measure import by_turns, data_flags, parser, ratio, show, source_of, summarize, write
from benchmarks.processor_time import processor_seconds
from engine.runs.checkpoint_io import load_checkpoint

CONFIG = "published/winit.yaml"


def study_file(folder: Path, trials: int) -> Path:
    """Writes the file of a study of some trials; returns it."""
    path = folder / "small.yaml"
    content = {
        "program": "cli.py",
        "command": ["python", "cli.py", "fit", "--config", CONFIG, "--config", "${args_json_file}"],
        "method": "random",
        "run_cap": trials,
        "metric": {"name": "val/loss", "goal": "minimize"},
        "parameters": {
            "model.optimizer.lr": {"distribution": "log_uniform_values", "min": 0.0001, "max": 0.01},
        },
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


class Turns:
    """Makes studies in a folder, and the first trial of the latest again.

    Args:
        folder: The folder.
        trials: Trials of a study.
        words: Settings of all runs.
    """

    def __init__(self, folder: Path, trials: int, words: list[str]) -> None:
        self.folder, self.trials = folder, trials
        self._file = study_file(folder, trials)
        self._times = folder / "times"
        noted = [
            "--trainer.callbacks+=benchmarks.training_time.TrainingTime",
            f"--trainer.callbacks.path={self._times}",
        ]
        self._words = [*words, *noted]
        self._turn = 0

    def study(self) -> float:
        """Returns the seconds of a study beside training, divided by its trials."""
        self._turn += 1
        place = self.folder / f"study-{self._turn}"
        return self._beside_training(["study", str(self._file), "--run_dir", str(place), *self._words], self.trials)

    def alone(self) -> float:
        """Returns the seconds of the study's first trial beside training, in a process of its own.

        Raises:
            RuntimeError: It ends with other weights.
        """
        (first,) = (self.folder / f"study-{self._turn}").glob("0000-*")
        place = self.folder / f"alone-{self._turn}"
        seconds = self._beside_training(["fit", "--config", str(first / "config.yaml"), "--run_dir", str(place)], 1)
        ours, theirs = (_weights(run) for run in (first, place))
        if ours.keys() != theirs.keys() or not all(torch.equal(ours[name], theirs[name]) for name in ours):
            raise RuntimeError(f"{first.name}: a process of its own ends with other weights")
        return seconds

    def _beside_training(self, words: list[str], runs: int) -> float:
        self._times.unlink(missing_ok=True)
        whole = processor_seconds(["cli.py", *words], OMP_NUM_THREADS="1")
        training = [float(line) for line in self._times.read_text(encoding="utf-8").splitlines()]
        if len(training) != runs:
            raise RuntimeError(f"{words[0]}: {len(training)} of {runs} runs have trained")
        return (whole - sum(training)) / runs


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]


def main(argv: list[str] | None = None) -> None:
    """Measures studies and single runs in turns and writes the record."""
    options = parser(__doc__)
    options.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--trials", type=int, default=50, help="trials of a study (default: %(default)s)")
    options.add_argument("--steps", type=int, default=20, help="steps of a trial (default: %(default)s)")
    arguments = options.parse_args(argv)
    short = ["--trainer.max_epochs=1", f"--trainer.limit_train_batches={arguments.steps}"]
    with tempfile.TemporaryDirectory() as folder:
        turns = Turns(Path(folder), arguments.trials, [*data_flags(arguments.mnist_dir), *short])
        contenders = {"a trial of a study": turns.study, "a process of its own": turns.alone}
        figures = by_turns(contenders, arguments.pairs, "s", warm_up=0, digits=2)  # separate processes each
    forked, alone = figures.values()
    results = {
        "seconds_beside_training": {name.replace(" ", "_"): summarize(values) for name, values in figures.items()},
        "trial_of_process": ratio(forked, alone),
    }
    for name, values in results["seconds_beside_training"].items():
        show(f"{name.replace('_', ' ')}: seconds beside training", values)
    write(__file__, results, arguments, source_of(arguments.mnist_dir))


if __name__ == "__main__":
    main()
