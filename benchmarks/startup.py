"""Seconds from a typed command to its answer, or to the end of the first training step.

    python -m benchmarks.startup --data_dir DIR

Whole processes are timed: help, mistakes in a subcommand and in a config's name, the options of `fit`, and the import
without which there is no Lightning command at all. The first step is that of `fit --config lenet5.yaml`, with all that
a run has, from the start of the process; `DIR` holds MNIST. Without it pictures are drawn first, which takes seconds.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from benchmarks.measure import ROOT, by_turns, data_flags, parser, ratio, show, source_of, summarize, write

BARE_IMPORT = ("-c", "import torch; from pytorch_lightning.cli import LightningCLI")
COMMANDS = {  # with the exit code expected of each
    "help": (("cli.py", "--help"), 0),
    "mistyped_subcommand": (("cli.py", "ft"), 2),
    "mistyped_config": (("cli.py", "fit", "--config", "vgg_bm.yaml"), 2),
    "fit_help": (("cli.py", "fit", "--help"), 0),
    "bare_import": (BARE_IMPORT, 0),
}


class FirstStep(Callback):
    """Records when the first training step has ended.

    Args:
        path: File for that time, in seconds since 1970.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_batch_end(self, *_: Any) -> None:
        """Writes the time, once."""
        if not self.path.exists():
            self.path.write_text(repr(time.time()))


def call(words: tuple[str, ...], code: int = 0) -> None:
    """Runs Python in a separate process, in the project's folder.

    Raises:
        RuntimeError: It ends with another exit code.
    """
    # no terminal, so that no bar is drawn; what is printed matters only if it fails
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != code:
        raise RuntimeError(f"python {' '.join(words)}: exit code {done.returncode}, not {code}\n{done.stderr}")


def whole(words: tuple[str, ...], code: int) -> float:
    """Returns the seconds of a whole process."""
    began = time.perf_counter()
    call(words, code)
    return time.perf_counter() - began


def first_step(config: str, data: list[str]) -> float:
    """Returns the seconds from the start of `fit`, on given data, to the end of its first step."""
    with tempfile.TemporaryDirectory() as folder:
        ended = Path(folder) / "ended"
        noting = ["--trainer.callbacks+=benchmarks.startup.FirstStep", f"--trainer.callbacks.path={ended}"]
        began = time.time()
        short = ("--trainer.max_steps", "1", "--trainer.limit_val_batches", "1")
        call(("cli.py", "fit", "--config", config, "--run_dir", f"{folder}/run", *data, *short, *noting))
        return float(ended.read_text()) - began


def main(argv: list[str] | None = None) -> None:
    """Times all commands in turns and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--config", default="lenet5.yaml", help="of the first step (default: %(default)s)")
    options.add_argument("--only", nargs="+", help="names of commands, of " + ", ".join([*COMMANDS, "first_step"]))
    arguments = options.parse_args(argv)
    runs: dict[str, Callable[[], float]] = {
        name: lambda words=words, code=code: whole(words, code) for name, (words, code) in COMMANDS.items()
    }
    runs["first_step"] = lambda: first_step(arguments.config, data_flags(arguments.data_dir))
    runs = {name: run for name, run in runs.items() if name in (arguments.only or runs)}
    figures = by_turns(runs, arguments.pairs, "s", digits=3)
    results: dict[str, dict] = {"seconds": {name: summarize(values) for name, values in figures.items()}}
    bare = figures.get("bare_import")
    if bare and "fit_help" in figures:
        results["fit_help_of_bare_import"] = ratio(figures["fit_help"], bare)
    if bare and "first_step" in figures:
        extra = [step - least for step, least in zip(figures["first_step"], bare, strict=True)]
        results["first_step_seconds_after_bare_import"] = summarize(extra)
    for name, values in results["seconds"].items():
        show(f"{name}, seconds", values)
    for name in results.keys() - {"seconds"}:
        show(name.replace("_", " "), results[name])
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
