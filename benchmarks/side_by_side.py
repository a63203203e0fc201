"""Training speed of runs side by side with their share of the cores, compared with one run on all cores.

    python -m benchmarks.side_by_side --mnist_dir DIR

Small networks train by the command, as `python -m results run --workers` makes runs; samples a second are taken between
steps, the first few left out, and added up over the runs.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.command_speed import samples_per_second
from benchmarks.measure import by_turns, data_flags, parser, ratio, show, source_of, summarize, write

FIRST = 20
STEPS = 10**6  # more than the seconds allow
CONFIGS = ("lenet5", "mnist_softmax_regression")


def speed(config: str, runs: int, cores: int, words: tuple[str, ...], seconds: float) -> float:
    """Returns the samples a second of all runs together.

    Args:
        config: Name of the config.
        runs: How many train at the same time.
        cores: Cores that they share.
        words: Settings of the command.
        seconds: How long each is timed.
    """
    threads = {"OMP_NUM_THREADS": str(max(1, cores // runs))}
    with ThreadPoolExecutor(runs) as pool:  # each waits for a process
        made = [
            pool.submit(samples_per_second, f"{config}.yaml", words, STEPS, FIRST, threads, seconds)
            for _ in range(runs)
        ]
        return sum(run.result() for run in made)


def main(argv: list[str] | None = None) -> None:
    """Measures each network in turns and writes the record."""
    options = parser(__doc__)
    options.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--configs", nargs="+", default=CONFIGS, help="networks (default: all)")
    options.add_argument("--runs", type=int, default=2, help="runs side by side (default: %(default)s)")
    options.add_argument("--cores", type=int, default=2, help="cores that they share (default: %(default)s)")
    options.add_argument("--seconds", type=float, default=8.0, help="timing of a run (default: %(default)s)")
    options.add_argument("--settings", default="", help="more settings of every run, in one string")
    arguments = options.parse_args(argv)
    words = (*data_flags(arguments.mnist_dir), *arguments.settings.split())
    results = {}
    for config in arguments.configs:
        contenders = {
            name: lambda config=config, runs=runs: speed(config, runs, arguments.cores, words, arguments.seconds)
            for name, runs in (("one run", 1), ("side by side", arguments.runs))
        }
        figures = by_turns(contenders, arguments.pairs, "samples/s", warm_up=0)  # separate processes each
        results[config] = {
            "samples_per_second": {name: summarize(values) for name, values in figures.items()},
            "side_by_side_of_one": ratio(figures["side by side"], figures["one run"]),
        }
        show(f"{config}: side by side of one", results[config]["side_by_side_of_one"])
    write(__file__, results, arguments, source_of(arguments.mnist_dir))


if __name__ == "__main__":
    main()
