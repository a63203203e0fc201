"""Training speed beside one busy process, and alone, with threads that sleep or spin while they wait.

    python -m benchmarks.shared_machine --data_dir DIR --mnist_dir DIR

Large and small networks train by the command, each run in a process of its own, in four situations: threads sleep, as
the command lets them, or spin, as GNU OpenMP does by default (`--spins`); and one other process is busy, or none.
Samples a second are taken between steps, the first few left out. On more than two cores, `--busy` sets how many
processes are busy.
"""

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.command_speed import samples_per_second
from benchmarks.measure import by_turns, data_flags, parser, ratio, show, summarize, write
from core.processes.threads import CHOICES

FIRST = 3
STEPS = {"vgg_bn": 100, "char_rnn": 300, "mlp": 300, "lenet5": 3000}  # at most, by config
SLEEPING: dict[str, str] = {}  # as the command sets it
SPINS = 300_000  # rounds before a thread sleeps, which GNU OpenMP takes where nothing is set
SITUATIONS = {"alone": 0, "beside a busy process": 1}


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keeps some processes busy in the block."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def contenders(config: str, arguments: Namespace) -> dict[str, Callable[[], float]]:
    """Returns what measures a network, by how its threads wait and what else the machine does."""
    data = {"lenet5": arguments.mnist_dir, "char_rnn": None}.get(config, arguments.data_dir)

    def measure(variables: dict[str, str], processes: int) -> float:
        with busy(processes):
            words = (*data_flags(data), *arguments.settings.split())
            return samples_per_second(f"{config}.yaml", words, STEPS[config], FIRST, variables, arguments.seconds)

    return {
        f"{waiting}, {situation}": lambda variables=variables, processes=processes: measure(
            variables, processes * arguments.busy
        )
        for waiting, variables in (("sleeping", SLEEPING), ("spinning", {"GOMP_SPINCOUNT": str(arguments.spins)}))
        for situation, processes in SITUATIONS.items()
    }


def main(argv: list[str] | None = None) -> None:
    """Measures each network in turns and writes the record.

    Raises:
        SystemExit: The environment decides how threads wait.
    """
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--configs", nargs="+", choices=STEPS, default=[*STEPS], help="networks (default: all)")
    options.add_argument("--seconds", type=float, default=8.0, help="longest timing of a run (default: %(default)s)")
    options.add_argument("--busy", type=int, default=1, help="busy processes (default: %(default)s)")
    options.add_argument("--spins", type=int, default=SPINS, help="rounds a thread spins (default: %(default)s)")
    options.add_argument("--settings", default="", help="more settings of every run, in one string")
    arguments = options.parse_args(argv)
    for name in CHOICES:
        if name in os.environ:
            options.error(f"{name} is set: it would decide for the command how threads wait")
    results = {}
    for config in arguments.configs:
        figures = by_turns(contenders(config, arguments), arguments.pairs, "samples/s", warm_up=0)
        sleeping, spinning = (
            [figures[f"{waiting}, {situation}"] for situation in SITUATIONS] for waiting in ("sleeping", "spinning")
        )
        results[config] = {
            "samples_per_second": {name: summarize(values) for name, values in figures.items()},
            "kept_beside_a_busy_process": ratio(sleeping[1], sleeping[0]),
            "kept_when_spinning": ratio(spinning[1], spinning[0]),
            "alone_sleeping_of_spinning": ratio(sleeping[0], spinning[0]),
        }
        for name in ("kept_beside_a_busy_process", "kept_when_spinning", "alone_sleeping_of_spinning"):
            show(f"{config}: {name.replace('_', ' ')}", results[config][name])
    write(__file__, results, arguments, "real" if arguments.data_dir and arguments.mnist_dir else "synthetic")


if __name__ == "__main__":
    main()
