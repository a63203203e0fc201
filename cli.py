"""The one entry point: `python cli.py fit --config vgg_bn.yaml`.

Help and mistyped names need no torch, whose import takes seconds; everything else is in `engine/cli/command.py`.
"""

import errno
import logging
import os
import signal
import sys
from importlib import import_module

from core.code.installed import describe_missing, missing_packages
from core.errors import InputError, LostPeer, RunFailed, RunInterrupted, in_one_line
from core.processes.ranks import is_told_by_first, launched_local_rank, launched_rank
from core.processes.signals import ended_by_signals, leave_at_next_signal
from core.processes.threads import let_waiting_threads_sleep
from core.terminal.printable import encoding_of, printable
from core.terminal.streams import lasting_streams
from core.terminal.waiting import shown_while
from engine.settings.overview import MODULES, tool_of, top_level_help

FAILED, WRONG_INPUT = 1, 2


def main(argv: list[str] | None = None) -> int:
    """Runs a command line.

    Args:
        argv: What follows `cli.py`; the process's own if not given, which is to end with it.

    Returns:
        Exit code: 0 done, 1 the run failed, 2 wrong input, 129 SIGHUP, 130 Ctrl-C, 138 SIGUSR1,
            143 SIGTERM.
    """
    # matplotlib does without a folder in the home, and says so as it is imported
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    with lasting_streams() as output, ended_by_signals():
        code = _main(argv)
        output.flush()
        lost = output.failure is not None and not isinstance(output.failure, BrokenPipeError)  # as `head` leaves it
        if code == 0 and lost and "fit" not in (sys.argv[1:] if argv is None else argv)[:1]:  # whose files are whole
            code = _end(f"the output could not be written: {output.failure}", FAILED, False)
    if argv is None:
        leave_at_next_signal(code)
    return code


def _main(argv: list[str] | None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    show_traceback = "--traceback" in argv
    try:
        folder = os.getcwd()
    except FileNotFoundError:
        return _end("the current folder is gone; change to another", WRONG_INPUT, show_traceback)
    if folder not in sys.path:
        sys.path.append(folder)  # class paths may name the user's own modules, as with `python -m`
    argv = [word for word in argv if word != "--traceback"]
    if not argv or argv[0] in ("--help", "-h", "help"):
        print(top_level_help())
        return 0
    try:
        if (tool := tool_of(argv)) is not None:
            from studies.tools import run_tool

            return run_tool(tool, argv[1:])
        from engine.runs.free_gpus import take_asked_gpus
        from engine.runs.slurm import parse_requeued  # these read YAML, which help need not wait for
        from engine.settings.arguments import parse_command_line

        arguments = parse_requeued(argv) or parse_command_line(argv)
        gpus = take_asked_gpus(arguments)
        if gpus is not None:
            print(f"gpus     {gpus}", flush=True)
        let_waiting_threads_sleep()
        with shown_while("importing torch and Lightning ..."):
            module = import_module(MODULES.get(arguments.subcommand, "engine.cli.command"))
        module.run(arguments)
        return 0
    except SystemExit as end:  # the parser's, after --help or --print_config
        return int(end.code or 0)
    except KeyboardInterrupt as error:
        code = 128 + getattr(error, "signum", signal.SIGINT)
        return _end("interrupted", code, show_traceback, launched_local_rank() == 0)
    except RunInterrupted as error:  # the command to continue has been printed
        is_told_by_first("interrupted", ends_all=True)
        return 128 + error.signum
    except InputError as error:
        return _end(str(error), WRONG_INPUT, show_traceback)
    except PermissionError as error:
        return _end(f"{error.filename or error}: not permitted to use it", WRONG_INPUT, show_traceback)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            return _end_of_fault(error, show_traceback)
        return _end(f"{str(error.filename)[:60]}...: a name that is too long", WRONG_INPUT, show_traceback)
    except RunFailed as error:
        return _end(str(error), FAILED, show_traceback, ends_all=error.ends_all)
    except LostPeer as error:  # of each machine one says it: the first of all may be the lost one
        return _end(str(error), FAILED, show_traceback, launched_local_rank() == 0)
    except ModuleNotFoundError as error:
        if missing := missing_packages():
            return _end(describe_missing(missing), WRONG_INPUT, show_traceback)
        return _end_of_fault(error, show_traceback)
    except Exception as error:
        return _end_of_fault(error, show_traceback)


def _end_of_fault(error: Exception, show_traceback: bool) -> int:
    """Tells of a fault of this program: one line, and how to see the traceback."""
    from core.code.error_places import shown_where  # what succeeds need not wait for it

    return _end(f"{in_one_line(error)} {shown_where(error)}", FAILED, show_traceback, True)


def _end(message: str, code: int, show_traceback: bool, is_told: bool | None = None, ends_all: bool = False) -> int:
    """Says why the command ends; once, where all processes of a run on several devices end for one reason.

    Args:
        message: One line, or one for each mistake.
        code: The exit code.
        show_traceback: Print the traceback, too.
        is_told: Whether this process says it; if not given, each does whose reason the first does not say.
        ends_all: Whether all processes of a run end for this reason.

    Returns:
        The exit code.
    """
    if show_traceback:
        import traceback

        traceback.print_exc()
    if report := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        _tell_torchrun(report, message)
    if is_told or (is_told is None and not is_told_by_first(message, ends_all)):
        rank = launched_rank()
        of_whom = f"process {rank}: " if rank else ""
        for line in printable(message, encoding_of(sys.stderr)).splitlines():
            print(line if line.startswith(" ") else f"error: {of_whom}{line}", file=sys.stderr)
    return code


def _tell_torchrun(report: str, message: str) -> None:
    """Writes what torchrun's report is to say of this process, in place of how a traceback is had."""
    import json
    import time
    from contextlib import suppress

    told = {"message": message, "extraInfo": {"py_callstack": message, "timestamp": str(int(time.time()))}}
    with suppress(OSError), open(report, "w", encoding="utf-8") as file:
        json.dump({"message": told}, file)


if __name__ == "__main__":
    sys.exit(main())
