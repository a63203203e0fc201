"""The command `new`: writes the beginning of a model or a data set into the current folder, with config and test."""

import keyword
import os
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Template

from core.errors import InputError, RunFailed
from core.files.atomic_files import is_written_here, write_atomically
from core.terminal.one_line_parser import OneLineParser
from core.terminal.printable import say
from engine.settings.config_names import CONFIGS, OPENING, SCHEMA
from engine.settings.overview import typed_command

DESCRIPTION = """\
Writes the beginning of a model or a data set into the current folder: a module, a config and a test, all of which work
as they are. They are yours alone: nothing else needs to know of them.
"""
KINDS = ("model", "data")
PLACE = Path(__file__).parent
FILES = {  # of which each skeleton consists, and what each is made of
    "{name}.py": PLACE / "{kind}_module.txt",
    "test_{name}.py": PLACE / "{kind}_test.txt",
    "{name}.yaml": CONFIGS / "skeletons" / "{kind}.txt",
}


def new(argv: list[str]) -> int:
    """Runs the command.

    Args:
        argv: What follows `new`.

    Returns:
        Exit code 0.

    Raises:
        InputError: The name cannot be a module's, or is taken, or a file cannot be written; none is left.
    """
    parser = OneLineParser(f"{typed_command()} new", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("kind", choices=KINDS, metavar="|".join(KINDS), help="what is begun")
    parser.add_argument("name", metavar="NAME", help="name of its module, such as my_net")
    arguments = parser.parse_args(argv)
    texts = skeleton(arguments.kind, arguments.name)
    for path in texts:
        if os.path.lexists(path):
            raise InputError(f"new {arguments.kind} {arguments.name}: {path} is there already; choose another name")
    _check_name(arguments.kind, arguments.name)
    _write(texts)
    module, test, config = texts
    say(f"wrote {module}, {test} and {config}; they work as they are:")
    say(f"  python -m pytest {test}")
    say(f"  {typed_command()} fit --config {config}")
    return 0


def skeleton(kind: str, name: str) -> dict[Path, str]:
    """Returns the texts of the files, by path: module, test and config.

    Args:
        kind: One of `KINDS`.
        name: Name of the module.
    """
    words = {
        "command": typed_command(),
        "name": name,
        "title": "".join(part.capitalize() for part in name.split("_")),
        "schema_line": f"{OPENING}{SCHEMA.as_posix()}",
    }
    return {
        Path(file.format(name=name)): Template(
            template.with_name(template.name.format(kind=kind)).read_text(encoding="utf-8")
        ).substitute(words)
        for file, template in FILES.items()
    }


def _write(texts: Mapping[Path, str]) -> None:
    """Writes all files, or none.

    Raises:
        InputError: One cannot be written.
    """
    try:
        for path, text in texts.items():
            write_atomically(path, text)
    except BaseException as error:
        for path in filter(is_written_here, texts):
            path.unlink(missing_ok=True)
        if isinstance(error, RunFailed):
            raise InputError(f"new: {error}; change to a folder of your own") from error
        raise


def _check_name(kind: str, name: str) -> None:
    """Checks that a module can have a name.

    Raises:
        InputError: It cannot, or another module has it.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise InputError(f"new {kind} {name}: a module's name has small letters, digits and _, such as my_net")
    if name in sys.modules or find_spec(name) is not None:
        raise InputError(f"new {kind} {name}: there is a module of this name already; choose another")
