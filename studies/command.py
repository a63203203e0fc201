"""The command `study FILE.yaml`: makes what is left of a study, or joins others that do."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from core.errors import InputError
from core.files.home import from_home
from core.terminal.one_line_parser import OneLineParser, different_seeds, named, runs_at_a_time
from core.terminal.printable import counted, say
from engine.processes.forked_commands import call, share_cores, share_data
from engine.settings.overview import typed_command
from studies.check import as_words, check, examples
from studies.making import make_trials, show_trials
from studies.naming import describe
from studies.points import SEED, Points
from studies.progress import Lines
from studies.study_file import CHOSEN, GOAL_OF, StudyFile, find_study_file, read_study_file
from studies.study_folder import StudyFolder, score
from studies.trust import refuse_foreign_file

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
    for option in (word.partition("=")[0] for word in others):
        if option.removeprefix("--") in CHOSEN:
            raise InputError(f"{option}: not beside a study, which chooses it for each trial; --weights starts all")
    path = find_study_file(arguments.file)
    file = read_study_file(path)
    refuse_foreign_file(path, file, "--trust" in others)
    words = [*file.words, *others]
    if SEED in file.parameters and arguments.seeds:
        raise InputError(f"--seeds: the file has {SEED} among its parameters; give one of the two")
    folder = StudyFolder(from_home(arguments.run_dir or f"runs/studies/{file.name}").resolve())
    folder.check(revives=bool(arguments.revive))
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
    if file.halving is not None and (reason := _prunes_nothing(file, found["settings"])):
        if folder.description() is None:
            raise InputError(f"early_terminate: {reason}")
        say(f"early_terminate: {reason}")  # a study that has begun keeps its settings, and goes on
    suggest = None
    if file.method == "bayes":
        from studies.bayes import make_suggest  # Optuna takes a while

        suggest = make_suggest(file, mode, lambda trial: score(trial, metric))
    points = Points(file, arguments.seeds, suggest)
    if points.total is None:
        raise InputError(f"method {file.method}: has no end; the file needs 'run_cap', the number of trials")
    if arguments.dry_run:
        return show_trials(points, folder, words, file)
    description = {"file": file.content, "seeds": arguments.seeds, "settings": found["settings"]}
    if metric is not None:
        description["compared_by"] = {"name": metric, "goal": GOAL_OF[mode]}
    folder.describe(json.loads(json.dumps(description, default=str)), found["given"])
    if arguments.revive:
        for trial in folder.revive(arguments.revive):
            say(f"{trial.number:04}  {describe(trial)}  goes on")
    lines = Lines(metric, mode, points.total, arguments.workers, found["measures"])
    return make_trials(folder, points, file, lines, words, ["study", *argv])


def _prunes_nothing(file: StudyFile, settings: Mapping[str, Any]) -> str:
    """Returns why no trial would be pruned, in words; nothing if some may be."""
    epochs, eta = file.halving
    if not epochs:
        return (
            f"max_iter with eta {eta:g}: trials would be compared before the end of an epoch, and none would be "
            "pruned; raise max_iter to eta at least, or state min_iter"
        )
    most = None if "trainer.max_epochs" in file.parameters else settings.get("trainer.max_epochs")
    if not isinstance(most, int) or not 0 < most <= epochs[0]:
        return ""
    return (
        f"compares trials first after {counted(epochs[0], 'epoch')}, and runs end after {most} (trainer.max_epochs): "
        "none would be pruned; lower min_iter, or raise max_epochs"
    )


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(f"{typed_command()} study", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("file", metavar="FILE", help="the study's file, as given or in configs/studies/")
    parser.add_argument("--workers", type=runs_at_a_time, default=1, help="trials at a time, which share the cores")
    parser.add_argument("--seeds", type=different_seeds, default=[], help="seeds for every point, such as 1,2,3")
    parser.add_argument("--run_dir", type=named, help="folder of the study, instead of runs/studies/<name>")
    parser.add_argument("--dry_run", action="store_true", help="check the study and list its trials")
    parser.add_argument(
        "--revive",
        type=_words,
        metavar="WHICH",
        help="go on with trials that were pruned, failed, diverged or killed: numbers, or one of these words",
    )
    return parser


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError("numbers of trials or statuses are needed, such as 1,failed")
    return words
