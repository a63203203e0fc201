"""Where the files of a run lie, and which of several runs is the newest; without torch."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"  # folder
BEST, LAST = "best.ckpt", "last.ckpt"  # checkpoints
OF_WANDB = "wandb"  # folder


def has_config(folder: Path) -> bool:
    """Returns whether a folder has the settings of a run."""
    return (folder / CONFIG).is_file()


def has_checkpoints(folder: Path) -> bool:
    """Returns whether a folder has the folder of a run's checkpoints, which may be empty."""
    return (folder / CHECKPOINTS).is_dir()


def is_run(folder: Path) -> bool:
    """Returns whether a folder is a run's, or a copy of one, which may lack either."""
    return has_config(folder) or has_checkpoints(folder)


def checkpoint_in(run: Path, to_continue: bool = False) -> Path | None:
    """Returns the checkpoint of a run's best weights, or its last one; None if the folder has neither.

    Args:
        run: The folder.
        to_continue: Whether the run is to go on from it: then the last one is preferred.
    """
    names = (LAST, BEST) if to_continue else (BEST, LAST)
    return next((file for name in names if (file := run / CHECKPOINTS / name).is_file()), None)


def folder_of(path: Path) -> Path:
    """Returns the folder of the run that a path would be of: it, that around its checkpoints, or a copy's own."""
    if path.is_dir():
        return path
    return path.parent.parent if path.parent.name == CHECKPOINTS else path.parent


def runs_below(root: Path) -> set[Path]:
    """Returns the folders with settings of runs in a folder, at any depth.

    Weights & Biases keeps a file of the same name within a run, which is none of another.
    """
    folders = {config.parent for config in root.rglob(CONFIG)} if root.is_dir() else set()

    def is_of_wandb(folder: Path) -> bool:
        return any(one.name == OF_WANDB and one.parent in folders for one in folder.parents)

    return {folder for folder in folders if not is_of_wandb(folder)}


def has_saved(run: Path) -> bool:
    """Returns whether a run has any checkpoint."""
    return next((run / CHECKPOINTS).glob("*.ckpt"), None) is not None


def advanced_at(run: Path) -> float:
    """Returns when a run came further, in seconds since 1970: its newest checkpoint, or its settings before any.

    A test, which writes as well, does not make a run a newer one.
    """
    times = [0.0]
    for file in [*(run / CHECKPOINTS).glob("*.ckpt")] or [run / CONFIG]:
        with suppress(FileNotFoundError):  # a command that fails at its start removes its folder
            times.append(file.stat().st_mtime)
    return max(times)


def newest_first(runs: Iterable[Path]) -> list[Path]:
    """Returns the folders of runs, that which came further last first; those of the same moment by their names."""
    return sorted(runs, key=lambda run: (advanced_at(run), run.name), reverse=True)
