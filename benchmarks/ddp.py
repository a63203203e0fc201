"""Training speed of two processes with one thread each, compared with one process with two.

    python -m benchmarks.ddp --data_dir DIR

Both train `vgg_bn.yaml` by the command, on one machine, with the same global batch; two processes exchange gradients by
gloo. Images a second are taken between steps of one epoch, the first few left out.
"""

from pathlib import Path

from benchmarks.command_speed import samples_per_second
from benchmarks.measure import by_turns, data_flags, parser, ratio, show, source_of, summarize, write

TWO_PROCESSES = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
CONTENDERS = {  # threads of each process, and settings of the command
    "one_process": (2, ("--trainer.devices", "1")),
    "two_processes": (1, TWO_PROCESSES),
}


def main(argv: list[str] | None = None) -> None:
    """Measures both in turns and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--steps", type=int, default=12, help="steps that are timed (default: %(default)s)")
    options.add_argument("--first", type=int, default=3, help="steps before, which are not (default: %(default)s)")
    options.add_argument("--settings", default="", help="more settings of every run, in one string")
    arguments = options.parse_args(argv)
    data = data_flags(arguments.data_dir)
    runs = {
        name: lambda threads=threads, words=words: samples_per_second(
            "vgg_bn.yaml",
            (*words, *data, *arguments.settings.split()),
            arguments.steps,
            arguments.first,
            {"OMP_NUM_THREADS": str(threads)},
        )
        for name, (threads, words) in CONTENDERS.items()
    }
    figures = by_turns(runs, arguments.pairs, "images/s", warm_up=0)  # a separate process each
    results = {
        "images_per_second": {name: summarize(values) for name, values in figures.items()},
        "two_processes_of_one": ratio(figures["two_processes"], figures["one_process"]),
    }
    show("two processes of one", results["two_processes_of_one"])
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
