"""The commands `runs`, which lists run folders, and `compare`, which tells two runs from each other; without torch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.files.home import from_home
from core.run_layout import advanced_at, has_config
from core.summary import figures
from core.terminal.one_line_parser import OneLineParser, at_least_one, named
from core.terminal.printable import say, shown_path
from core.terminal.text_table import aligned, wrapped
from engine.settings.overview import typed_command
from engine.settings.run_identity import differ
from studies.run_on_disk import NOTHING, RunOnDisk, refused, runs_in

WIDEST = 48  # columns of a cell


def list_runs(argv: list[str]) -> int:
    """Lists runs, the newest first; returns the exit code.

    Args:
        argv: What follows `runs`.

    Raises:
        InputError: There are none.
    """
    parser = OneLineParser(f"{typed_command()} runs", description="Lists runs, the newest first.", allow_abbrev=False)
    parser.add_argument(
        "folder",
        type=named,
        metavar="FOLDER",
        nargs="?",
        default="runs",
        help="folder that they lie in (runs)",
    )
    parser.add_argument("--most", type=at_least_one, default=30, help="how many are listed (30)")
    arguments = parser.parse_args(argv)
    root = from_home(arguments.folder)
    runs = runs_in(root)
    if not runs:
        raise refused("runs", arguments.folder)
    rows = [
        (
            datetime.fromtimestamp(advanced_at(run.path)).strftime("%Y-%m-%d %H:%M"),
            run.status,
            NOTHING if run.seconds is None else f"{run.seconds:,.0f} s",
            shown_path(run.path.absolute()),
            run.best,
        )
        for run in runs[: arguments.most]
    ]
    for line in aligned(rows, WIDEST):
        say(line)
    if len(runs) > len(rows):
        say(f"{len(runs) - len(rows):,} older ones; --most lists more")
    return 0


def compare_runs(argv: list[str]) -> int:
    """Prints in which settings and figures two runs differ; returns the exit code.

    Args:
        argv: What follows `compare`.

    Raises:
        InputError: One is no run.
    """
    command = f"{typed_command()} compare"
    parser = OneLineParser(command, description="Tells two runs from each other.", allow_abbrev=False)
    parser.add_argument(
        "run", type=named, metavar="RUN", help="a run's folder, or a folder of runs, whose newest counts"
    )
    parser.add_argument("other", type=named, metavar="OTHER_RUN", help="likewise")
    arguments = parser.parse_args(argv)
    pair = [_find(arguments.run), _find(arguments.other)]
    rows = [("", *(shown_path(run.path) for run in pair))]
    rows += _differing(*(run.settings() for run in pair))
    rows.append(("status", *(run.status for run in pair)))
    reached = [_reached(run) for run in pair]
    known = [_facts(run) for run in pair]
    rows += [(name, *(one.get(name, NOTHING) for one in reached)) for name in sorted({**reached[0], **reached[1]})]
    rows += [(name, *(one.get(name, NOTHING) for one in known)) for name in {**known[0], **known[1]}]
    for line in wrapped(rows, WIDEST):
        say(line)
    if any(one.get("last epoch") != one.get("best epoch") for one in known):
        say("training figures are of the last epoch, validation of the best checkpoint, tests of what was tested")
    return 0


def _find(given: str) -> RunOnDisk:
    path = from_home(given).resolve()
    if has_config(path):
        return RunOnDisk.read(path)
    runs = runs_in(path)
    if not runs:
        raise refused("compare", given)
    return runs[0]


def _differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Returns the settings in which two runs differ, those of one part of a run together."""
    names = [name for name in {**ours, **theirs} if differ(name, ours.get(name, NOTHING), theirs.get(name, NOTHING))]
    parts = [*dict.fromkeys(name.partition(".")[0] for name in names)]
    names.sort(key=lambda name: parts.index(name.partition(".")[0]))
    return [(name, str(ours.get(name, NOTHING)), str(theirs.get(name, NOTHING))) for name in names]


def _reached(run: RunOnDisk) -> dict[str, str]:
    """Returns what a run has reached, as texts by name."""
    return {name: f"{value:.6g}" for name, value in figures(run.summary).items() if value is not None}


def _facts(run: RunOnDisk) -> dict[str, str]:
    """Returns what a run took, as texts by name."""
    found = {}
    for kind in ("last", "best"):
        epoch = (run.summary.get(kind) or {}).get("epoch")
        found |= {} if epoch is None else {f"{kind} epoch": str(epoch)}
    for name in ("epochs", "steps", "samples_per_second"):
        if run.summary.get(name) is not None:
            found[name] = f"{run.summary[name]:,}"
    if run.seconds is not None:
        found["seconds"] = f"{run.seconds:,.1f}"
    return found | {name: str(run.summary[name]) for name in ("hardware", "precision") if name in run.summary}
