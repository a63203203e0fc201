"""The command `study FILE.yaml`: makes what is left of a study, or joins others that do."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import InputError, RunInterrupted
from core.one_line_parser import OneLineParser
from core.printable import encoding_of, printable
from engine.processes import call, share_cores, share_data
from engine.runs.trial_file import Trial
from engine.settings.overview import typed_command
from studies.check import as_words, check, examples
from studies.naming import describe, folder_name
from studies.points import SEED, Points
from studies.progress import BAD, Lines
from studies.study_file import StudyFile, find_study_file, read_study_file
from studies.study_folder import StudyFolder, score, status
from studies.workers import Workers

DESCRIPTION = """\
Makes the runs of a study, whose file varies the settings of one command (the format of W&B's sweeps). Other options,
such as --data.data_dir, go to every run. The same command goes on with what is left, and joins others that work on it.
"""


def study(argv: list[str]) -> int:
    """Runs the command.

    Args:
        argv: What follows `study`.

    Returns:
        Exit code: 0 done, 1 a trial failed.

    Raises:
        InputError: Something cannot be used; no trial has begun.
        RunInterrupted: A signal has come, and what was running is saved.
    """
    arguments, others = _parser().parse_known_args(argv)
    file = read_study_file(find_study_file(arguments.file))
    words = [*file.words, *others]
    if SEED in file.parameters and arguments.seeds:
        raise InputError(f"--seeds: the file has {SEED} among its parameters; give one of the two")
    share_cores(arguments.workers)
    tried = examples(file.parameters)
    if arguments.seeds:
        tried = [point | {SEED: arguments.seeds[0]} for point in tried]
    if not arguments.dry_run:
        share_data([*words, *as_words(tried[0])])
    found = call(check, words, tried, file.metric, file.mode)
    metric, mode = found["metric"], found["mode"]
    if file.halving is not None and metric is None:
        raise InputError("early_terminate: the model names no value by which trials are compared; name a metric")
    suggest = None
    if file.method == "bayes":
        from studies.bayes import make_suggest  # Optuna takes a while

        suggest = make_suggest(file, mode, lambda trial: score(trial, metric))
    points = Points(file, arguments.seeds, suggest)
    if points.total is None:
        raise InputError(f"method {file.method}: has no end; the file needs 'run_cap', the number of trials")
    folder = StudyFolder(Path(arguments.run_dir or f"runs/studies/{file.name}").expanduser().resolve())
    if arguments.dry_run:
        return _show(points, folder, words, file)
    description = {"file": file.content, "seeds": arguments.seeds, "settings": found["settings"]}
    folder.describe(json.loads(json.dumps(description, default=str)))
    if arguments.revive:
        for trial in folder.revive(arguments.revive):
            _say(f"{trial.number:04}  {describe(trial)}  goes on")
    return _make(folder, points, file, Lines(metric, mode, points.total, arguments.workers), words, argv)


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(f"{typed_command()} study", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("file", metavar="FILE", help="the study's file, as given or in configs/studies/")
    parser.add_argument("--workers", type=_at_least_one, default=1, help="trials at a time, which share the cores")
    parser.add_argument("--seeds", type=_numbers, default=[], help="seeds for every point, such as 1,2,3")
    parser.add_argument("--run_dir", help="folder of the study, instead of runs/studies/<name>")
    parser.add_argument("--dry_run", action="store_true", help="check the study and list its trials")
    parser.add_argument(
        "--revive",
        type=lambda text: text.split(","),
        metavar="WHICH",
        help="go on with trials that were pruned, failed, diverged or killed: numbers, or one of these words",
    )
    return parser


def _make(folder: StudyFolder, points: Points, file: StudyFile, lines: Lines, words: list[str], argv: list[str]) -> int:
    """Makes what is left; returns the exit code.

    Raises:
        RunInterrupted: A signal has come.
    """
    halving = file.halving_by(lines.metric, lines.mode or "min")

    def is_enough(trials: list[Trial]) -> bool:
        best = lines.best(trials)
        if file.target is None or best is None:
            return False
        value = score(best, lines.metric)
        return value >= file.target if lines.mode == "max" else value <= file.target

    def take() -> Any:
        limited = points if not is_enough(folder.trials()) else None
        return folder.take(limited, halving)

    waits: list[bool] = []

    def is_over() -> bool:
        trials = folder.trials()
        complete = len(trials) >= points.total or is_enough(trials)
        is_whole = complete and all(trial.ended is not None for trial in trials)
        if not is_whole and not waits:
            waits.append(True)
            _say("other processes make the trials that are left; this one waits, to go on with them if they are killed")
        return is_whole

    workers = Workers(folder, take, is_over, _commands(words), lines.workers)
    for trial in workers.make():
        _say(lines.of_trial(trial, folder.trials()))
    trials = folder.trials()
    if workers.signum:
        ended = sum(trial.ended is not None for trial in trials)
        _say(f"interrupted: {ended} of {points.total} trials have ended, the others are saved; go on with")
        _say(f"  {typed_command()} study {shlex.join(argv)}")
        raise RunInterrupted(workers.signum)
    for line in lines.at_end(trials, folder.path):
        _say(line)
    return 1 if any(status(trial) in BAD for trial in trials) else 0


def _commands(words: list[str]) -> Callable[[Trial], list[str]]:
    def command(trial: Trial) -> list[str]:
        return [*words, *as_words(trial.settings), "--run_dir", str(trial.folder), "--resume", "auto"]

    return command


def _show(points: Points, folder: StudyFolder, words: list[str], file: StudyFile) -> int:
    """Lists the trials with their commands, as far as they are known before any result; returns the exit code."""
    trials: list[Trial] = []
    if file.method == "bayes":
        _say(f"{points.total} trials, whose settings follow from the results of earlier ones")
        return 0
    for number in range(points.total):
        trial = Trial(number=number, settings=points.settings(number, trials))
        trial.folder = folder.path / folder_name(trial)
        trials.append(trial)
        _say(f"{number:04}  {describe(trial)}")
        _say(f"      python cli.py {shlex.join(_commands(words)(trial))}")
    return 0


def _say(line: str) -> None:
    print(printable(line, encoding_of(sys.stdout)), flush=True)


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number, at least 1, is needed")
    return int(text)


def _numbers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.strip().isdigit() for part in parts) or len({*map(int, parts)}) < len(parts):
        raise argparse.ArgumentTypeError(f"{text}: different numbers are needed, such as 1,2,3")
    return [int(part) for part in parts]
