"""Makes the trials of a study that are left, and says how they end."""

from collections.abc import Callable, Sequence

from core.errors import RunInterrupted
from core.measures import merit
from core.terminal.printable import say
from core.terminal.shells import as_typed
from engine.runs.trial_file import Trial
from engine.settings.overview import typed_command
from studies.check import as_words
from studies.claims import Claim
from studies.naming import describe, folder_name
from studies.points import ATTEMPTS, Points
from studies.progress import Lines
from studies.study_file import StudyFile
from studies.study_folder import StudyFolder, score, status
from studies.trust import refuse_foreign_trials
from studies.workers import PAUSE, Workers

NONE_LEFT = f"no point is left, as {ATTEMPTS:,} draws have found no new one"
OTHERS = "other processes make the trials that are left; this one waits, to go on with them if they are killed"


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

    def take() -> Claim | None:
        return folder.take(points, halving, begins=not reaches_target(folder.trials(), file))

    def own() -> list[Trial]:
        return [trial for trial in folder.trials() if points.includes(trial)]

    waits: list[bool] = []

    def is_over() -> bool:
        is_whole = all(trial.ended is not None for trial in own()) and is_complete(folder.trials(), points)
        if not is_whole and not waits:
            waits.append(True)
            say(f"{workers.lacking}; trials are tried again every {PAUSE} seconds" if workers.lacking else OTHERS)
        return is_whole

    workers = Workers(folder, take, is_over, commands(words), lines.workers)
    for trial in workers.make():
        say(lines.of_trial(trial, own()))
    trials = own()
    if workers.signum:
        ended = sum(trial.ended is not None for trial in trials)
        say(f"interrupted: {ended} of {points.total} trials have ended, those that had begun are saved; go on with")
        say(f"  {typed_command()} {as_typed(*again)}")
        raise RunInterrupted(workers.signum)
    if len(trials) < points.total and not reaches_target(trials, file):
        say(f"{NONE_LEFT}: the study is complete with {len(trials)} of {points.total} trials")
    for line in lines.at_end(folder.trials(), folder.path):
        say(line)
    return 1 if any(status(trial) in lines.bad for trial in trials) else 0


def is_complete(trials: Sequence[Trial], points: Points) -> bool:
    """Returns whether a study has all its trials: no point is left, or its target is reached."""
    return reaches_target(trials, points.file) or points.next(trials) is None


def reaches_target(trials: Sequence[Trial], file: StudyFile) -> bool:
    """Returns whether a trial that was not pruned has reached the target of a study, if that has one."""
    if file.target is None:
        return False
    reached = [score(trial, file.metric) for trial in trials if trial.pruned is None]
    return any(merit(value, file.mode) >= merit(file.target, file.mode) for value in reached if value is not None)


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
        if (trial := points.trial(number, trials)) is None:
            say(f"{NONE_LEFT}: {number} of {points.total} trials")
            break
        trial.folder = folder.path / folder_name(trial)
        trials.append(trial)
        say(f"{number:04}  {describe(trial)}")
        say(f"      {typed_command()} {as_typed(*commands(words)(trial))}")
    return 0
