"""What runs of tests leave out or do once, in this process and in those that tests start."""

import functools
import importlib
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, BinaryIO

import pytest

from tests.parsed_once import find_options_once, find_settings_quickly, parse_classes_once
from tests.startup.network_guard import keep_off_the_network

AROUND = re.compile(
    r"SLURM_.*|TORCHELASTIC_.*|PL_.*|NETRC|WANDB_(?!MODE$|SERVICE).*"  # the last is set by W&B itself
    r"|MASTER_(ADDR|PORT)|((LOCAL|GROUP|NODE)_)?RANK|((LOCAL|GROUP)_)?WORLD_SIZE|\w+_(proxy|PROXY)"
)
EMPTY_PICTURE = bytes.fromhex(  # PNG of one black pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6360000000020001e527defc0000000049454e44ae426082"
)


def leave_out_figures(patch: pytest.MonkeyPatch) -> None:
    """Saves an empty picture in place of a figure, whose rendering takes a third of a tiny run.

    Those that many runs have are not even built.
    """
    from matplotlib.figure import Figure

    @functools.wraps(Figure.savefig)
    def save(figure: Figure, target: str | Path | BinaryIO, **_: Any) -> None:
        if isinstance(target, str | Path):
            Path(target).write_bytes(EMPTY_PICTURE)
        else:
            target.write(EMPTY_PICTURE)

    patch.setattr(Figure, "savefig", save)
    for module, name in _drawn():
        patch.setattr(module, name, functools.wraps(getattr(module, name))(lambda *_, **__: Figure()))


def render_figures(patch: pytest.MonkeyPatch) -> None:
    """Takes back that figures are left out."""
    from matplotlib.figure import Figure

    for owner, name in ((Figure, "savefig"), *_drawn()):
        patch.setattr(owner, name, getattr(owner, name).__wrapped__)


def _drawn() -> list[tuple[ModuleType, str]]:
    """Returns the functions that draw figures in many runs."""
    names = {
        "callbacks.media_after_fit": ["draw_curves", "draw_gradient_flow"],
        "callbacks.media.captions": ["draw_attention", "draw_captions"],
        "callbacks.media.decision_surface": ["draw_surface"],
        "callbacks.media.translations": ["draw_attention"],
        "callbacks.media_after_test": ["draw_confusion", "draw_predictions"],
        "lightning_modules.tasks.word_vector_task": ["draw_word_map"],
    }
    return [(importlib.import_module(module), name) for module, drawn in names.items() for name in drawn]


def leave_out_flushes(patch: pytest.MonkeyPatch) -> None:
    """Leaves out the wait for the disk, twenty times in a tiny run, which helps only when a machine loses power."""
    patch.setattr("os.fsync", lambda file: None)


def settings_around(names: Iterable[str]) -> list[str]:
    """Returns those environment variables that change what tests see, of launchers, jobs, proxies and accounts."""
    return [name for name in names if AROUND.fullmatch(name)]


def draw_strokes_once(patch: pytest.MonkeyPatch) -> None:
    """Keeps the drawn picture of a style, whose 9,000 strokes take longer than a tiny run."""
    from datamodules.images.drawn_scenes import brush_strokes

    draw = functools.cache(brush_strokes)
    for module in ("datamodules.style_pictures", "lightning_modules.fast_style"):
        patch.setattr(f"{module}.brush_strokes", lambda width, height: draw(width, height).clone())


def look_up_extensions_once(patch: pytest.MonkeyPatch) -> None:
    """Lists once what packages add to Lightning, for which every trainer looks through all of them."""
    from lightning_fabric.utilities import registry

    patch.setattr(registry, "entry_points", functools.cache(registry.entry_points))


def look_for_gpus_once(patch: pytest.MonkeyPatch) -> None:
    """Keeps that there is no GPU, for which a tiny run searches the disk seven times."""
    import torch

    if not torch.cuda.device_count():
        patch.setattr(torch.cuda, "_cached_device_count", 0)


def leave_out_source_lines(patch: pytest.MonkeyPatch) -> None:
    """Has Lightning ask who loads a checkpoint without reading the source files of all callers."""
    from pytorch_lightning.utilities import model_helpers

    patch.setattr(model_helpers, "inspect", SimpleNamespace(stack=functools.partial(inspect.stack, context=0)))


def build_parsers_once(patch: pytest.MonkeyPatch) -> None:
    """Keeps the parser of a subcommand, which parsing leaves as it is; help, which shortens itself, gets its own."""
    from engine.cli.lightning_cli import SubcommandCLI

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


@functools.cache  # a forked process has them already
def take_all() -> None:
    """Takes every shortcut for the rest of this process, and for those that are forked from it."""
    keep_off_the_network()
    patch = pytest.MonkeyPatch()
    for shortcut in (leave_out_figures, leave_out_flushes, leave_out_source_lines):
        shortcut(patch)
    for shortcut in (look_up_extensions_once, build_parsers_once, parse_classes_once, find_options_once):
        shortcut(patch)
    for shortcut in (find_settings_quickly, draw_strokes_once, look_for_gpus_once):
        shortcut(patch)
