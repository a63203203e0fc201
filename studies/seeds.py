"""`fit --seeds 1,2,3`: a run for each seed, each in a folder of its own, and their mean and spread."""

import argparse
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from core.errors import InputError
from core.files.atomic_files import write_atomically
from core.files.home import from_home
from core.measures import Measure, format_figure, standard_deviation
from core.summary import counted_test, strict_json
from core.terminal.one_line_parser import OneLineParser, different_seeds, named, runs_at_a_time
from core.terminal.printable import say, shown_path
from core.terminal.shells import as_typed
from engine.processes.forked_commands import call, share_cores, share_data
from engine.runs.trial_file import Trial
from engine.settings.arguments import parse_command_line
from engine.settings.overview import typed_command
from engine.settings.run_commands import command_of_run, trust_of_run
from studies.check import as_words, check
from studies.making import make_trials, show_trials
from studies.points import SEED
from studies.progress import Lines
from studies.run_on_disk import RunOnDisk
from studies.seed_folders import known_folder, make_folder, new_name
from studies.seed_points import SeedPoints, check_seeds
from studies.study_file import GOAL_OF, StudyFile
from studies.study_folder import WITHOUT_FIGURES, StudyFolder, reached, score, status

DESCRIPTION = """\
Trains a run for each seed, and prints mean and standard deviation of what they reach. All other options are those of
fit. The same command goes on with what is left; with more seeds behind the same ones it adds their runs.
"""
OF_ONE_RUN = {
    "seed_everything": "--seeds has the seeds",
    "resume": "the same command goes on with what is left",
    "ckpt_path": "it continues one run",
}


def fit_seeds(argv: list[str]) -> int:
    """Runs the command.

    Args:
        argv: What follows `fit`, `--seeds` among it.

    Returns:
        Exit code: 0 done, 1 a run failed.

    Raises:
        InputError: Something cannot be used, and no run has begun; or another command has begun other seeds in the same
            folder.
        RunInterrupted: A signal has come, and what was running is saved.
    """
    _refuse_blanks(argv)
    arguments, others = _parser().parse_known_args(argv)
    seeds, words = arguments.seeds, ["fit", *others]
    for option, reason in OF_ONE_RUN.items():
        if any(word.partition("=")[0] == f"--{option}" for word in others):
            raise InputError(f"--{option}: not beside --seeds: {reason}")
    parsed = parse_command_line(words)
    file = _without_parameters(words, parsed.name)
    if arguments.run_dir:
        StudyFolder(from_home(arguments.run_dir).resolve()).check()
    share_cores(arguments.workers)
    if not arguments.dry_run:
        share_data([*words, *as_words({SEED: seeds[0]})])
    found = call(check, words, [{SEED: seeds[0]}], None, None)
    description = _description(file, found)
    root = Path("runs", parsed.name).resolve()
    folder = known_folder(arguments.run_dir, root, seeds, description, found["given"])
    if arguments.dry_run:
        folder = folder or StudyFolder(root / new_name())
        return show_trials(SeedPoints(file, seeds, folder.path), folder, words, file)
    folder = folder or make_folder(root)
    points = SeedPoints(file, seeds, folder.path)
    folder.describe(description, found["given"])
    check_seeds(folder.trials(), seeds, folder.path)
    say(f"runs     {shown_path(folder.path)}, and in its logs/ what each prints")
    if again := [one for one in folder.trials() if status(one) in Lines.bad and points.includes(one)]:
        folder.revive([str(trial.number) for trial in again])
    lines = SeedLines(found["metric"], found["mode"], seeds, arguments.workers, found["measures"])
    return make_trials(folder, points, file, lines, words, ["fit", *argv])


def _refuse_blanks(argv: list[str]) -> None:
    """Refuses seeds that are several words, the second of which would be taken for a word of `fit`.

    Raises:
        InputError: They are.
    """
    behind = argv[argv.index("--seeds") + 1 :] if "--seeds" in argv else []
    values = list(itertools.takewhile(lambda word: not word.startswith("-"), behind))
    if len(values) > 1:
        raise InputError(f"--seeds {' '.join(values)}: seeds have commas between them: --seeds {','.join(values)}")


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(f"{typed_command()} fit", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--seeds", type=different_seeds, required=True, help="the seeds, such as 1,2,3")
    parser.add_argument("--workers", type=runs_at_a_time, default=1, help="runs at a time, which share the cores")
    parser.add_argument("--run_dir", type=named, help="folder of all runs, instead of runs/<config>/seeds-<time>")
    parser.add_argument("--dry_run", action="store_true", help="check the command and list the runs")
    return parser


def _without_parameters(words: list[str], name: str) -> StudyFile:
    """Returns a study of one command whose settings do not vary."""
    nothing = {"metric": None, "mode": None, "target": None, "halving": None, "most": None}
    content = {"name": f"{name} over seeds", "command": "fit --seeds", "method": "grid"}
    return StudyFile(name=name, words=words, method="grid", parameters={}, content=content, **nothing)


def _description(file: StudyFile, found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the folder says of itself, as a study's: all but the seeds, which may become more.

    Args:
        file: What stands for a study's file.
        found: What the check of the command has found.
    """
    metric = {"name": found["metric"], "goal": GOAL_OF[found["mode"]]} if found["metric"] else None
    content = file.content | ({"metric": metric} if metric else {})
    return json.loads(json.dumps({"file": content, "seeds": [], "settings": found["settings"]}))


class SeedLines(Lines):
    """The lines of runs that differ in their seed alone.

    Args:
        metric: Logged name of the value that counts, None if there is none.
        mode: Whether less (`min`) or more (`max`) of it is better.
        seeds: The seeds.
        workers: How many runs are made at a time.
        measures: The model's measures by name.
    """

    bad = WITHOUT_FIGURES  # nobody varies what makes a run diverge

    def __init__(
        self,
        metric: str | None,
        mode: str | None,
        seeds: Sequence[int],
        workers: int,
        measures: Mapping[str, Measure],
    ) -> None:
        super().__init__(metric, mode, len(seeds), workers, measures)
        self.seeds = seeds

    def of_trial(self, trial: Trial, trials: Sequence[Trial]) -> str:
        """Returns the line of a run that has ended, and how long the others take."""
        value = score(trial, self.metric)
        shown = "" if value is None else f"{self.metric} {self._shown(self.metric, [value])}"
        reason = f": {trial.ended['reason']}" if trial.ended["reason"] else ""
        parts = [f"seed {trial.settings[SEED]}", shown, f"{trial.ended['status']}{reason}"]
        parts += [f"{trial.ended['seconds']:.0f} s", self.time_left(trials)]
        return "  ".join(part for part in parts if part)

    def at_end(self, trials: Sequence[Trial], folder: Path) -> list[str]:
        """Writes `seeds.json`, and returns the last lines: mean and standard deviation over the runs."""
        chosen = [trial for trial in trials if trial.settings[SEED] in self.seeds]
        figures = {trial.settings[SEED]: reached(trial) for trial in chosen}
        names = sorted({name for one in figures.values() for name in one})
        values = {name: {seed: one[name] for seed, one in figures.items() if name in one} for name in names}
        record = {
            "seeds": {trial.settings[SEED]: {"run": trial.folder.name, "status": status(trial)} for trial in chosen},
            "figures": {
                name: {
                    "n": len(one),
                    "mean": mean(one.values()),
                    "std": standard_deviation([*one.values()]),
                    "values": one,
                }
                for name, one in values.items()
            },
        }
        write_atomically(folder / "seeds.json", strict_json(record))
        lines = []
        width = max(map(len, names), default=0)
        for name, one in values.items():
            each = " ".join(self._shown(name, [value]) for value in one.values())
            lines.append(f"{name:<{width}}  {self._shown(name, [*one.values()])}  n = {len(one)}: {each}")
        runs = as_typed(shown_path(folder))
        if values:
            lines.append(
                "mean ± standard deviation over seeds: training in the last epoch, the rest by best checkpoints"
            )
            lines.append(f"the same as numbers: {runs}/seeds.json")
        good = [RunOnDisk.read(trial.folder) for trial in chosen if status(trial) not in self.bad]
        untested = [run.path for run in good if run.next_command == ["test"] and counted_test(run.summary) is None]
        if untested:
            lines.append("tested like this, the same command adds the test's figures:")
            lines += [f"  {line}" for line in _tests(untested, runs if len(untested) == len(trials) else None)]
        lines.append(f"curves and all else on a page: {typed_command()} report {runs} --output report.html")
        return lines + [_without_figures(trial) for trial in chosen if status(trial) in self.bad]

    def _shown(self, logged: str, values: Sequence[float]) -> str:
        """Returns a mean with its spread, or a single value, in the unit of its measure."""
        return format_figure(logged, mean(values), self.measures, standard_deviation(values))


def _tests(runs: Sequence[Path], folder: str | None) -> list[str]:
    """Returns the command that tests runs: one for each on Windows, whose shells have no such loop.

    Args:
        runs: The runs.
        folder: That of all runs, as it is typed, if they are all.
    """
    if sys.platform == "win32":
        return [command_of_run(run, ["test"]) for run in runs]
    test = " ".join([typed_command(), "test", "--ckpt_path", '"$run"', *trust_of_run(runs[0])])
    each = as_typed(*map(shown_path, runs)) if folder is None else f"{folder}/0*"
    return [f"for run in {each}; do {test}; done"]


def _without_figures(trial: Trial) -> str:
    """Returns a line that names a seed without figures, why it has none, and how it is tried again."""
    why = f"{trial.ended['status']}: {trial.ended['reason'].partition(';')[0]}"  # the line of its end has the rest
    if status(trial) in Lines.bad:
        return f"seed {trial.settings[SEED]} has no figures ({why}); the same command tries it again"
    run = as_typed(shown_path(trial.folder))  # a run that has diverged does so again from the same beginning
    return f"seed {trial.settings[SEED]} has no figures ({why}); to train it anew: rm -r {run}, and the same command"
