"""Finds the run and the checkpoint that a name stands for; without torch."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from core.errors import InputError
from core.files.home import from_home
from core.run_layout import (
    BEST,
    CHECKPOINTS,
    CONFIG,
    LAST,
    checkpoint_in,
    folder_of,
    has_config,
    has_saved,
    is_run,
    newest_first,
    runs_below,
)
from core.summary import SUMMARY
from engine.settings.config_files import flatten, read_config

LATEST = "latest"  # in place of a run folder: the newest of all runs in the current folder's `runs/`
NEWEST_VARIABLE = "PRIMER_NEWEST_RUN"  # tells the processes of further devices what the first has found


def newest_run(given: str, subcommand: str) -> Path:
    """Returns the run that came further last.

    Args:
        given: A folder of runs, at any depth, or `latest`.
        subcommand: What the run is for; only `fit` can begin one again that has no checkpoint.

    Raises:
        InputError: There is none.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0" and NEWEST_VARIABLE in os.environ:
        return Path(os.environ[NEWEST_VARIABLE])
    root = (Path("runs") if given == LATEST else from_home(given)).resolve()
    newest = newest_run_in(root, also_unsaved=subcommand == "fit")
    if newest is not None:
        os.environ[NEWEST_VARIABLE] = str(newest)
        return newest
    what = "run with a checkpoint" if subcommand != "fit" else "run"
    raise InputError(f"--ckpt_path {given}: no {what} in {root}")


def newest_run_in(root: Path, also_unsaved: bool = False) -> Path | None:
    """Returns the run in a folder, at any depth, that came further last; None if there is none.

    Args:
        root: The folder.
        also_unsaved: Whether runs without a checkpoint count.
    """
    runs = [run for run in runs_below(root) if also_unsaved or has_saved(run)]
    return next(iter(newest_first(runs)), None)


def names_several(given: str) -> bool:
    """Returns whether `--ckpt_path` names runs of which the newest is meant, and not one run or checkpoint."""
    path = from_home(given)
    return (given == LATEST and not path.exists()) or (path.is_dir() and not is_run(path))


def find_checkpoint(given: str, subcommand: str) -> tuple[Path | None, Path | None]:
    """Finds the checkpoint that `--ckpt_path` names.

    Args:
        given: A run folder; a folder of runs, or `latest` for all of them, of which the newest counts; or a checkpoint
            file.
        subcommand: `fit` continues from a run's last checkpoint; the others take its best.

    Returns:
        The checkpoint file, None for a run that `fit` is to begin again, since it ended before its first checkpoint;
        and the run folder around it or None.

    Raises:
        InputError: Neither is there.
    """
    path = from_home(given).resolve()
    if names_several(given):
        path = newest_run(given, subcommand)
    if path.is_dir():
        checkpoint = checkpoint_in(path, to_continue=subcommand == "fit")
        if checkpoint is not None:
            return checkpoint, path if has_config(path) else None
        if subcommand == "fit" and has_config(path):
            return None, path
        way_out = f"; fit --ckpt_path {given} begins this run again" if has_config(path) else ""
        looked_for = f"(looked for {CHECKPOINTS}/{LAST if subcommand == 'fit' else BEST})"
        raise InputError(f"--ckpt_path {given}: no checkpoint in this folder {looked_for}{way_out}")
    if not path.is_file():
        raise InputError(f"--ckpt_path {given}: no such run folder or checkpoint file ('{LATEST}' is the newest run)")
    folder = folder_of(path)
    of_run = path.parent.name == CHECKPOINTS or (folder / SUMMARY).is_file()
    if of_run and has_config(folder):
        return path, folder
    return path, None


def architecture_of(name: str) -> str:
    """Returns the class of a run's network, without its module; empty if it is not known.

    Args:
        name: The run's folder, or a checkpoint of it.
    """
    run = folder_of(from_home(name))
    with contextlib.suppress(InputError):  # no run, or one whose config cannot be read
        return str(flatten(read_config(run / CONFIG)).get("model.class_path", "")).rpartition(".")[2]
    return ""


def find_begun(given: Mapping[str, object], ckpt_path: str | None) -> tuple[Path | None, Path | None]:
    """Finds what `--resume auto` goes on with, in the folder that `--run_dir` names.

    Args:
        given: What the user has set, by dotted key.
        ckpt_path: What `--ckpt_path` names, if it is given.

    Returns:
        The checkpoint file, None for a run that was killed before its first; and the run's folder. Neither where no run
        has begun.

    Raises:
        InputError: The options contradict each other, or one is missing.
    """
    if given["resume"] != "auto":
        raise InputError(
            f"--resume {given['resume']}: the one possible value is auto; --ckpt_path names a run to continue"
        )
    if ckpt_path is not None:
        raise InputError("--resume auto: finds the run in --run_dir, and --ckpt_path names one; give one of the two")
    if not given.get("run_dir"):
        raise InputError("--resume auto: needs --run_dir, the folder in which the run begins or goes on")
    run = from_home(str(given["run_dir"]))
    return find_checkpoint(str(run), "fit") if has_config(run) else (None, None)
