"""Looks for known faults in the installed packages, with pip-audit; run by hand, for it needs its database of faults.

    python -m pip install pip-audit
    python -m tests.campaigns.audit [--all]

Packages are those that this project needs, with what they need, at the installed versions; `--all` takes every package
of the environment. pip-audit asks PyPI for known faults. Without a network, take `pip freeze` to a machine with one,
and give the file to `pip-audit --no-deps --disable-pip -r FILE` there.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from tests.processes import ROOT

OFFLINE = "on a machine with a network: pip-audit --no-deps --disable-pip -r"


def main(argv: list[str] | None = None) -> int:
    """Runs the check.

    Returns:
        Exit code: 0 without known faults, 1 with some, 2 where it could not be run.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every package of the environment")
    arguments = parser.parse_args(argv)
    installed = {plain(one.metadata["Name"]): one.version for one in distributions()}
    names = sorted(installed) if arguments.all else sorted(needed(named_in(ROOT / "setup.cfg")))
    pinned = "".join(f"{name}=={installed[name].partition('+')[0]}\n" for name in names if name in installed)
    descriptor, name = tempfile.mkstemp(prefix="primer-installed-", suffix=".txt")
    file = Path(name)
    with open(descriptor, "w", encoding="utf-8") as writing:
        writing.write(pinned)
    print(f"{len(pinned.splitlines())} packages in {file}", flush=True)
    if shutil.which("pip-audit", path=str(Path(sys.executable).parent)) is None:
        print(f"pip-audit is not installed: pip install pip-audit; or {OFFLINE} {file}")
        return 2
    done = subprocess.run([sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(file)])
    if done.returncode not in (0, 1):
        print(f"pip-audit could not ask for known faults; {OFFLINE} {file}")
        return 2
    file.unlink()
    return done.returncode


def named_in(config: Path) -> list[str]:
    """Returns the requirements that `setup.cfg` names, those of all extras among them."""
    parser = ConfigParser()
    parser.read(config, encoding="utf-8")
    texts = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def needed(requirements: Iterable[str]) -> set[str]:
    """Returns the names of installed packages that requirements need, directly or not."""
    found: set[str] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        one = waiting.pop()
        name = plain(one.name)
        applies = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (*one.extras, ""))
        if name in found or not applies:
            continue
        try:
            version(one.name)
        except PackageNotFoundError:  # of an extra that is not installed
            continue
        found.add(name)
        below = [Requirement(text) for text in requires(one.name) or ()]
        waiting += [two for two in below if two.marker is None or two.marker.evaluate({"extra": ""})]
        waiting += [
            two for two in below for extra in one.extras if two.marker and two.marker.evaluate({"extra": extra})
        ]
    return found


def plain(name: str) -> str:
    """Returns a package's name in the form that names are compared in."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    raise SystemExit(main())
