"""What runs of tests leave out or do once, in this process and in those that tests start."""

import functools
from pathlib import Path
from typing import Any, BinaryIO

import pytest

EMPTY_PICTURE = bytes.fromhex(  # PNG of one black pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6360000000020001e527defc0000000049454e44ae426082"
)


def leave_out_figures(patch: pytest.MonkeyPatch) -> None:
    """Saves an empty picture in place of a figure, whose rendering takes a third of a tiny run.

    Learning curves and predicted pictures, which many runs have, are not even built.
    """
    from matplotlib.figure import Figure

    def save(figure: Figure, target: str | Path | BinaryIO, **_: Any) -> None:
        if isinstance(target, str | Path):
            Path(target).write_bytes(EMPTY_PICTURE)
        else:
            target.write(EMPTY_PICTURE)

    patch.setattr(Figure, "savefig", save)
    patch.setattr("callbacks.fit_media.draw_curves", lambda rows, measures: Figure())
    patch.setattr("callbacks.test_media.draw_predictions", lambda *shown: Figure())


def leave_out_flushes(patch: pytest.MonkeyPatch) -> None:
    """Leaves out the wait for the disk, twenty times in a tiny run, which helps only when a machine loses power."""
    patch.setattr("os.fsync", lambda file: None)


def look_up_extensions_once(patch: pytest.MonkeyPatch) -> None:
    """Lists once what packages add to Lightning, for which every trainer looks through all of them."""
    from lightning_fabric.utilities import registry

    patch.setattr(registry, "entry_points", functools.cache(registry.entry_points))


def build_parsers_once(patch: pytest.MonkeyPatch) -> None:
    """Keeps the parser of a subcommand, which parsing leaves as it is; help, which shortens itself, gets its own."""
    from engine.lightning_cli import SubcommandCLI

    parsers: dict[str, Any] = {}
    build = SubcommandCLI.setup_parser

    def setup_parser(cli: SubcommandCLI, *arguments: object) -> None:
        subcommand = cli.arguments.subcommand
        asks = any(word.startswith(("-h", "--help")) for word in cli.arguments.options)
        if asks or subcommand not in parsers:
            build(cli, *arguments)
            if not asks:
                parsers[subcommand] = cli.parser
        else:
            cli.parser = parsers[subcommand]

    patch.setattr(SubcommandCLI, "setup_parser", setup_parser)
