"""Makes the trials of a study that are left, and says how they end."""

import shlex
import sys
from collections.abc import Callable
from typing import Any

from core.errors import RunInterrupted
from core.measures import merit
from core.printable import encoding_of, printable
from engine.runs.trial_file import Trial
from engine.settings.overview import typed_command
from studies.check import as_words
from studies.naming import describe, folder_name
from studies.points import Points
from studies.progress import BAD, Lines
from studies.study_file import StudyFile
from studies.study_folder import StudyFolder, score, status
from studies.trust import refuse_foreign_trials
from studies.workers import Workers


def make_trials(
    folder: StudyFolder, points: Points, file: StudyFile, lines: Lines, words: list[str], again: list[str]
) -> int:
    """Makes what is left; returns the exit code.

    Args:
        folder: The study's folder.
        points: The settings of trials.
        file: What the study's file says.
        lines: What is printed of trials.
        words: The command of all trials.
        again: The command that goes on with the study.

    Raises:
        InputError: A trial in the folder sets what the study's file does not.
        RunInterrupted: A signal has come.
    """
    refuse_foreign_trials(folder.trials(), file)
    halving = file.halving_by(lines.metric, lines.mode or "min")

    def is_enough(trials: list[Trial]) -> bool:
        best = lines.best(trials)
        if file.target is None or best is None:
            return False
        value = score(best, lines.metric)
        return merit(value, lines.mode) >= merit(file.target, lines.mode)

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
            say("other processes make the trials that are left; this one waits, to go on with them if they are killed")
        return is_whole

    workers = Workers(folder, take, is_over, commands(words), lines.workers)
    for trial in workers.make():
        say(lines.of_trial(trial, folder.trials()))
    trials = folder.trials()
    if workers.signum:
        ended = sum(trial.ended is not None for trial in trials)
        say(f"interrupted: {ended} of {points.total} trials have ended, the others are saved; go on with")
        say(f"  {typed_command()} {shlex.join(again)}")
        raise RunInterrupted(workers.signum)
    for line in lines.at_end(trials, folder.path):
        say(line)
    return 1 if any(status(trial) in BAD for trial in trials) else 0


def commands(words: list[str]) -> Callable[[Trial], list[str]]:
    """Returns what returns the command of a trial, of a study whose trials' commands begin with some words."""

    def command(trial: Trial) -> list[str]:
        return [*words, *as_words(trial.settings), "--run_dir", str(trial.folder), "--resume", "auto"]

    return command


def show_trials(points: Points, folder: StudyFolder, words: list[str], file: StudyFile) -> int:
    """Lists the trials with their commands, as far as they are known before any result; returns the exit code."""
    trials: list[Trial] = []
    if file.method == "bayes":
        say(f"{points.total} trials, whose settings follow from the results of earlier ones")
        return 0
    for number in range(points.total):
        trial = points.trial(number, trials)
        trial.folder = folder.path / folder_name(trial)
        trials.append(trial)
        say(f"{number:04}  {describe(trial)}")
        say(f"      {typed_command()} {shlex.join(commands(words)(trial))}")
    return 0


def say(line: str) -> None:
    """Prints a line at once."""
    print(printable(line, encoding_of(sys.stdout)), flush=True)
