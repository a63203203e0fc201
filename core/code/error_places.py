"""Where an error arose in a user's own code, for the one line that tells of it."""

import sysconfig
import traceback
from pathlib import Path
from types import CodeType

from core.code.installed import ROOT
from core.code.known_code import OWN
from core.errors import OneLine, in_one_line
from core.terminal.printable import shown_path

BESIDE = ("cli.py", "primer.py", "results", "benchmarks")  # this project's, too, in a checkout
INSTALLED = {"site-packages", "dist-packages"}
UNKNOWN = "(--traceback shows where)"


def of_project(code: CodeType) -> bool:
    """Returns whether code is in a folder of this project that runs import."""
    path = Path(code.co_filename)
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OWN


def shown_where(error: BaseException) -> str:
    """Returns, in parentheses, where in a user's code an error arose, or how this is shown where that had no part."""
    cause: BaseException | None = error
    while cause is not None:
        if places := _users_places(cause):
            return f"(at {places[-1][0]}, in {places[-1][1]}; --traceback shows more)"
        cause = cause.__cause__
    return UNKNOWN


def failed_import(error: BaseException | None) -> str | None:
    """Returns in words which module of a user's fails as it is imported, where and why; None if none does."""
    if error is None:
        return None
    if isinstance(error, SyntaxError) and error.filename and not _is_others(error.filename):
        return (
            f"importing {Path(error.filename).stem} fails at {shown_path(error.filename)}:{error.lineno}: {error.msg}"
        )
    places = _users_places(error)
    module = next((name for _, function, name in places if function == "<module>"), None)
    if module is None:  # of a module within a package the parser asks once more, as an attribute
        context = error.__context__ if isinstance(error.__context__, ImportError) else None
        return failed_import(error.__cause__ or context)
    reason = str(error) if isinstance(error, OneLine) else in_one_line(error)
    return f"importing {module} fails at {places[-1][0]}: {reason}"


def _users_places(error: BaseException) -> list[tuple[str, str, str]]:
    """Returns the lines, functions and modules of a user's code through which an error has come."""
    return [
        (f"{shown_path(frame.f_code.co_filename)}:{line}", frame.f_code.co_name, frame.f_globals.get("__name__", ""))
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not (of_project(frame.f_code) or _is_others(frame.f_code.co_filename))
    ]


def _is_others(file: str) -> bool:
    """Returns whether a file is Python's, a library's, or one of this project's that runs do not import."""
    path = Path(file)
    if file.startswith("<") or INSTALLED & {*path.parts} or path.is_relative_to(sysconfig.get_path("stdlib")):
        return True
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in BESIDE
