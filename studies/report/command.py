"""The command `report RUNS...`: writes a page about runs, or about a study."""

from core.errors import InputError
from core.files.outputs import check_output_file, write_output
from core.measures import MODES
from core.terminal.one_line_parser import OneLineParser, named
from core.terminal.printable import counted, say, shown_path
from engine.settings.overview import typed_command
from studies.report.metrics import Metrics
from studies.report.page import page
from studies.report.reported import find_runs

DESCRIPTION = """\
Writes one page of HTML about runs: a table, curves, what they drew, and how each is repeated; of a study also its
answer in one picture. The page needs no other file and no network.
"""


def report(argv: list[str]) -> int:
    """Runs the command; returns the exit code.

    Args:
        argv: What follows `report`.

    Raises:
        InputError: A folder holds no run, or the page cannot be written there.
    """
    parser = OneLineParser(f"{typed_command()} report", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        "runs", type=named, nargs="+", metavar="RUNS", help="runs' folders, folders of runs, or a study's folder"
    )
    parser.add_argument("--output", default="report.html", help="the page (report.html)")
    parser.add_argument(
        "--metric", help="logged value that runs are compared by, such as val/loss (what the runs chose)"
    )
    parser.add_argument("--mode", choices=MODES, help="whether less or more of it is better")
    arguments = parser.parse_args(argv)
    output = check_output_file(arguments.output, "report.html", replaces_runs=True)
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--output {arguments.output}: the page needs a name that ends with .html")
    runs, study = find_runs(arguments.runs)
    metrics = Metrics.of(runs, study, arguments.metric, arguments.mode)
    text = page(runs, study, metrics)
    write_output(output, text, arguments.output)
    size = len(text.encode()) / 1e6
    say(f"report   {counted(len(runs), 'run')} in {shown_path(output.absolute())} ({size:.1f} MB)")
    return 0
