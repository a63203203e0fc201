"""Whether this Python has the packages that the project needs, and how it gets others; imports none of them."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from core.terminal.printable import first_of

ROOT = Path(__file__).resolve().parents[2]  # of the checkout, or of what pip has installed
MODULES = {"pillow": "PIL", "pyyaml": "yaml"}  # what a package is imported as, where pip knows it by another name
NAMED = 3  # packages of a message


def missing_packages(folder: Path = ROOT) -> list[str]:
    """Returns the packages that the project needs and this Python lacks, as pip names them.

    Args:
        folder: Holds `setup.cfg`, which lists them; an installation has none, and pip has seen to its packages.
    """
    from configparser import ConfigParser  # which only a fault, or a tool for developers, needs

    settings = ConfigParser()
    settings.read(folder / "setup.cfg", encoding="utf-8")
    lines = settings.get("options", "install_requires", fallback="").split()
    names = [re.match(r"[\w.-]*", line)[0] for line in lines]
    return [name for name in names if name and find_spec(MODULES.get(name, name.replace("-", "_"))) is None]


def describe_missing(missing: list[str]) -> str:
    """Returns in one line that packages are missing, and what to do."""
    return (
        f"this Python ({sys.executable}) lacks {first_of(missing, NAMED)}: activate the environment that has "
        "the project's packages, or install them with 'pip install -e .'"
    )


def installs(extra: str) -> str:
    """Returns in words what installs a package that a message has named.

    Args:
        extra: The set of packages in `setup.cfg` that it is in.
    """
    line = f"pip install -e '.[{extra}]' installs it"
    return line.replace("'", '"') if sys.platform == "win32" else line


def refuse_incomplete_python() -> None:
    """Ends `python -m` with one line where packages are missing, before its module fails to import one of them.

    Python calls the program `-m` as long as it looks for the module, and only then: any other import is let alone.
    """
    if sys.argv[:1] == ["-m"] and (missing := missing_packages()):
        print(f"error: {describe_missing(missing)}", file=sys.stderr)
        raise SystemExit(2)
