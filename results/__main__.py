"""The command: `python -m results run`, `collect`, `study`, `page`, `notebooks` and `status`."""

import argparse
import math
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from core.durations import duration_in_words
from core.errors import InputError, RunFailed, RunInterrupted
from core.files.atomic_files import replacing, write_atomically
from core.files.home import from_home
from core.processes.signals import ended_by_signals
from core.summary import SUMMARY
from core.terminal.one_line_parser import OneLineParser, runs_at_a_time
from core.terminal.streams import lasting_streams
from results.figures import show
from results.lessons import write_notebooks
from results.records import Record, Records, add_record, read_records
from results.runs import Runs, typed
from results.settings import changed_defaults
from results.table import Run, Table
from results.table_file import read_table
from results.workers import Workers

FOLDER = Path(__file__).resolve().parent
Command = Callable[[argparse.Namespace, Path, Table], int]
MINUTES = 6.0  # a run may take unless it is named


def main(argv: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Runs a command line.

    Args:
        argv: What follows `python -m results`; the process's own if not given.
        folder: Where the table and the records are; the page is written beside it.

    Returns:
        Exit code: 0 done, 1 a run failed, 2 wrong input, 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.
    """
    with lasting_streams():
        return _main(argv, folder)


def _main(argv: list[str] | None, folder: Path) -> int:
    try:
        with ended_by_signals():
            table = read_table(folder / "table.yaml")
            arguments = _parser(table).parse_args(argv)
            return arguments.does(arguments, folder, table)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RunInterrupted as error:
        print("interrupted; the same command continues", file=sys.stderr)
        return 128 + error.signum
    except KeyboardInterrupt as error:
        print("interrupted before everything was saved; the same command continues", file=sys.stderr)
        return 128 + getattr(error, "signum", signal.SIGINT)


def _parser(table: Table) -> OneLineParser:
    parser = OneLineParser(prog="python -m results", description="Our runs beside the published numbers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, does: Command, text: str) -> OneLineParser:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(does=does)
        return command

    run = add("run", _run, "make the runs that have no record, the cheapest first, and record them")
    run.add_argument("ids", nargs="*", metavar="ID", help="rows to run, or single runs as ID/SEED; all if none")
    for name, place in table.folders.items():
        run.add_argument(f"--{name}_dir", help=f"folder of {place.holds}")
    longest = f"leave out longer runs ({MINUTES:g}; no limit for what is named, or with --minutes)"
    run.add_argument("--max_minutes", type=float, help=longest)
    run.add_argument("--workers", type=runs_at_a_time, default=1, help="runs at a time, which share the cores")
    run.add_argument("--minutes", type=_positive, help="time for all; no run is begun that would take longer")
    faster = "how many times as fast as in the table a run is here"
    run.add_argument("--speed", type=_positive, default=1.0, help=faster)
    run.add_argument("--dry_run", action="store_true", help="show the commands alone")
    collect = add("collect", _collect, "record the runs that are finished and tested")
    for command in (run, collect):
        command.add_argument("--runs", type=Path, default=Path("runs/results"), help="folder of the runs, <id>/<seed>/")
    study = add("study", _study, "record studies that have ended")
    study.add_argument("studies", nargs="+", type=Path, metavar="FOLDER", help="a study's folder, called as its file")
    add("page", _page, "write RESULTS.md, docs/images/results.png, configs/README.md and the comments of the configs")
    add("notebooks", _notebooks, "write the notebooks of docs/lessons")
    add("status", _status, "list which runs have a record, and what is to be run")
    return parser


def _run(arguments: argparse.Namespace, folder: Path, table: Table) -> int:
    chosen = {str(run) for name in arguments.ids for run in table.named(name)}
    limit = math.inf if chosen or arguments.minutes else MINUTES
    limit = limit if arguments.max_minutes is None else arguments.max_minutes
    folders = {name: vars(arguments)[f"{name}_dir"] for name in table.folders}
    runs = Runs(arguments.runs, table, {name: place for name, place in folders.items() if place})
    wanted = [run for run in _missing(table, read_records(folder, table)) if not chosen or str(run) in chosen]
    if recorded := sorted(chosen - {str(run) for run in wanted}):
        print(f"recorded already, and left out: {', '.join(recorded)}")
    short = [run for run in wanted if run.row.minutes <= limit or runs.is_tested(run)]
    if len(wanted) > len(short):
        print(f"{len(wanted) - len(short)} longer runs are left out; --max_minutes, or their names, bring them in")
    if arguments.dry_run:
        return _show(short, runs)
    return _make(short, Workers(runs, arguments.workers, arguments.minutes or math.inf, arguments.speed), folder)


def _collect(arguments: argparse.Namespace, folder: Path, table: Table) -> int:
    if not arguments.runs.is_dir():
        raise InputError(f"--runs {arguments.runs}: no such folder; name the one with the runs, as <id>/<seed>/")
    runs, missing = Runs(arguments.runs, table), _missing(table, read_records(folder, table))
    there = {runs.folder(run): run for run in table.runs() if runs.folder(run).is_dir()}
    if recorded := [str(run) for run in there.values() if run not in missing]:
        print(f"recorded already, and left out: {', '.join(recorded)}")
    ready = []
    for run in missing:
        if runs.is_tested(run):
            ready.append(run)
        elif runs.folder(run) in there:
            print(f"{run}: left out: {runs.why_not_tested(run)}")
    others = {path.parent for path in arguments.runs.glob(f"*/*/{SUMMARY}")} - there.keys()
    for path in sorted(others):
        print(f"{path.parent.name}/{path.name}: left out: the table has no such row or seed")
    if not ready:
        print(f"nothing to record in {arguments.runs}")
    return _make(ready, Workers(runs), folder)


def _study(arguments: argparse.Namespace, folder: Path, table: Table) -> int:
    from results.studies import add_study

    for given in arguments.studies:
        record = add_study(folder, from_home(given).resolve(), table)
        print(f"{record.name}: {record.metric} {record.figure(record.best, record.metric)} with {record.best.label}")
    _write_page(folder, table)
    return 0


def _page(arguments: argparse.Namespace, folder: Path, table: Table) -> int:
    _write_page(folder, table)
    print("wrote RESULTS.md, docs/images/results.png, configs/README.md and the comments of the configs")
    return 0


def _notebooks(arguments: argparse.Namespace, folder: Path, table: Table) -> int:
    lessons = folder.parent / "docs" / "lessons"
    write_notebooks(lessons, lessons / "zh")
    print("wrote the notebooks of docs/lessons and docs/lessons/zh")
    return 0


def _status(arguments: argparse.Namespace, folder: Path, table: Table) -> int:
    records = read_records(folder, table)
    missing = _missing(table, records)
    for run in table.runs():
        record = next((record for record in records[run.row.id] if record.seed == run.seed), None)
        told = f"about {duration_in_words(60 * run.row.minutes)}" if record is None else _recorded(run, record)
        print(f"{run!s:<36}{told}")
    left = duration_in_words(60 * sum(run.row.minutes for run in missing))
    print(f"{len(missing)} of {len(table.runs())} runs are to be made, in about {left}")
    return 0


def _recorded(run: Run, record: Record) -> str:
    """Returns in words that a run is recorded, and how far today's command would repeat it."""
    if record.defaults is None:
        return "recorded; its defaults were not"
    others = changed_defaults(run.row, record.defaults)
    return f"recorded, with other defaults than today's: {', '.join(others)}" if others else "recorded"


def _make(chosen: list[Run], workers: Workers, folder: Path) -> int:
    """Makes and records runs, and writes the page after the last; returns the exit code.

    Raises:
        RunInterrupted: A signal has come.
    """
    failed = made = 0
    try:
        for run, failure in workers.make(chosen):
            try:
                if failure is not None:
                    raise failure
                record = add_record(folder, run, workers.runs.folder(run), workers.runs.table)
            except (RunFailed, InputError) as error:
                failed += 1
                print(f"error: {error}", file=sys.stderr, flush=True)
            else:
                made += 1
                print(f"{run}: {_result(run, record)}", flush=True)
    finally:
        if made:
            _write_page(folder, workers.runs.table)
    for runs, words in ((workers.unfinished, "broken off"), (workers.left_out, "not begun")):
        if runs:
            print(f"{len(runs)} {words}; the same command goes on with them: {', '.join(map(str, runs))}")
    if workers.signum:
        raise RunInterrupted(workers.signum)
    return 1 if failed else 0


def _result(run: Run, record: Record) -> str:
    measure, metric = run.row.measure, run.row.metric
    words = measure.shown[metric].format(samples=run.row.samples)
    return f"{show([record], metric, measure)} {words}, in {record.seconds:.0f} s"


def _show(chosen: list[Run], runs: Runs) -> int:
    """Shows the commands that would make runs."""
    for run in chosen:
        print(f"# {run}, about {duration_in_words(60 * run.row.minutes)}")
        for _, command in runs.commands(run):
            print(typed(command))
    return 0


def _write_page(folder: Path, table: Table) -> None:
    from results.config_list import render_configs
    from results.headers import write_headers
    from results.page import render  # these take a second, which the other commands need not wait for
    from results.plot import draw
    from results.studies import read_studies

    records = read_records(folder, table)
    write_atomically(folder.parent / "RESULTS.md", render(table, records, read_studies(folder)))
    picture = folder.parent / "docs" / "images" / "results.png"
    listing = folder.parent / "configs" / "README.md"
    for path in (picture, listing):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(picture) as temporary:
        draw(table, records).savefig(temporary, format="png")
    write_headers(table, records)
    write_atomically(listing, render_configs(table, records))


def _missing(table: Table, records: Records) -> list[Run]:
    return [run for run in table.runs() if run.seed not in [record.seed for record in records[run.row.id]]]


def _positive(text: str) -> float:
    """Reads a number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}: must be above 0")
    return value


_positive.__name__ = "float"  # which the message names for other texts


if __name__ == "__main__":
    sys.exit(main())
