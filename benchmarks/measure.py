"""What the benchmarks share: alternating measurements, ratios, and the record with hardware and versions."""

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"
ROOT = FOLDER.parent.parent
LIBRARIES = ("torch", "torchvision", "pytorch-lightning", "torchmetrics", "kornia", "scikit-learn", "gensim")


def parser(doc: str, pairs: int = 5) -> argparse.ArgumentParser:
    """Returns a parser with the options that every benchmark has.

    Args:
        doc: The script's docstring; its first line is the description.
        pairs: Default number of turns.
    """
    options = argparse.ArgumentParser(description=doc.splitlines()[0])
    options.add_argument("--pairs", type=int, default=pairs, help="turns of each contender (default: %(default)s)")
    options.add_argument(
        "--output", type=Path, help="JSON file to write; benchmarks/results/<script>.json if not given"
    )
    return options


def data_settings(data_dir: Path | None) -> dict[str, str]:
    """Returns a data module's settings: a folder of real data, or the synthetic source."""
    return {"data_dir": str(data_dir)} if data_dir else {"source": "synthetic"}


def data_flags(data_dir: Path | None) -> list[str]:
    """Returns these settings as words of a command line, which may run in another folder."""
    settings = data_settings(data_dir and data_dir.resolve())
    return [word for name, value in settings.items() for word in (f"--data.{name}", value)]


def source_of(data_dir: Path | None) -> str:
    """Returns the record's entry on the data."""
    return "real" if data_dir else "synthetic pictures"


def environment() -> dict[str, str]:
    """Returns the variables of a process that is to find this project's modules, and prints at once."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def by_turns(
    contenders: Mapping[str, Callable[[], float]], pairs: int, unit: str, warm_up: int = 1, digits: int = 1
) -> dict[str, list]:
    """Measures contenders in turns, since a shared machine's speed drifts.

    Args:
        contenders: Each runs once and returns its figure.
        pairs: Turns that count.
        unit: Of the figures, for the lines that are printed.
        warm_up: Turns before, which do not count.
        digits: Decimal places that are printed.

    Returns:
        Figures of each contender, in the order of the turns.
    """
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(-warm_up, pairs):
        for name, contender in contenders.items():
            figure = contender()
            if turn >= 0:
                figures[name].append(figure)
                print(f"  {turn + 1}/{pairs}  {name:<28} {figure:>14,.{digits}f} {unit}", flush=True)
    return figures


def peak_memory() -> int:
    """Returns the most bytes that this process has held in memory."""
    # not getrusage, whose figure a process inherits from the one that started it
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def summarize(figures: list[float]) -> dict[str, float]:
    """Returns median, minimum and maximum of figures."""
    return {"median": statistics.median(figures), "min": min(figures), "max": max(figures)}


def ratio(numerator: list[float], denominator: list[float]) -> dict[str, float]:
    """Returns median, minimum and maximum of the ratios of each turn."""
    return summarize([a / b for a, b in zip(numerator, denominator, strict=True)])


def show(name: str, values: Mapping[str, float], digits: int = 3) -> None:
    """Prints a median with minimum and maximum."""
    print(f"{name:<46} {values['median']:,.{digits}f}  ({values['min']:,.{digits}f} to {values['max']:,.{digits}f})")


def write(
    script: str, results: Mapping, arguments: argparse.Namespace, source: str = "", device: str | None = None
) -> None:
    """Writes the record: figures, data, hardware and versions.

    Args:
        script: Its `__file__`.
        results: What was measured.
        arguments: The script's options; those that are no paths are kept.
        source: Where the data came from.
        device: Type of what computed; a GPU if there is one.
    """
    path = arguments.output or FOLDER / f"{Path(script).stem}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = facts(arguments, source, device) | {"results": results}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}")


def facts(arguments: argparse.Namespace, source: str = "", device: str | None = None) -> dict[str, Any]:
    """Returns when, on what and of what is measured; arguments as in `write`."""
    import torch

    from core.processes.hardware import hardware

    options = {name: value for name, value in vars(arguments).items() if not name.endswith(("dir", "output", "script"))}
    return {
        "date": date.today().isoformat(),
        "hardware": hardware(device or ("cuda" if torch.cuda.is_available() else "cpu")),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in LIBRARIES},
        "data": source,
        "options": options,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


class Terminal:
    """A terminal that drops its output, so that progress bars are drawn."""

    def isatty(self) -> bool:
        """Returns that it is a terminal."""
        return True

    def write(self, text: str) -> int:
        """Drops the text."""
        return len(text)

    def flush(self) -> None:
        """Does nothing."""


@contextmanager
def on_a_terminal() -> Iterator[None]:
    """Makes standard output a terminal in the block, as for a person."""
    out, err = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = Terminal()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
