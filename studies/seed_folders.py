"""The folders of `fit --seeds`: of the same settings as before, or new."""

import contextlib
import itertools
from collections.abc import Container, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files.home import from_home
from studies.differing import what_changed
from studies.seed_points import check_seeds
from studies.study_folder import StudyFolder


def known_folder(
    run_dir: str | None, root: Path, seeds: list[int], description: Mapping[str, Any], given: Container[str]
) -> StudyFolder | None:
    """Returns the named folder, or the newest one of these settings and seeds; None if there is none.

    Args:
        run_dir: The folder that the user names.
        root: Where the others are.
        seeds: The seeds.
        description: What the folder has to say of itself.
        given: Dotted keys of the settings that the command gives.
    """
    if run_dir:
        return StudyFolder(from_home(run_dir).resolve())
    for path in sorted(root.glob("seeds-*"), reverse=True):
        folder = StudyFolder(path)
        with contextlib.suppress(InputError, KeyError, TypeError, AttributeError):  # another's, or damaged
            if not what_changed(folder.description() or {}, description, given):
                check_seeds(folder.trials(), seeds, path)
                return folder
    return None


def make_folder(root: Path) -> StudyFolder:
    """Makes a folder; commands of one second make different ones.

    Args:
        root: Where the others are.

    Raises:
        InputError: It cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        name = new_name()
        for attempt in itertools.count(1):
            path = root / (name if attempt == 1 else f"{name}-{attempt}")
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return StudyFolder(path)
    except OSError as error:
        raise InputError(
            f"{root}: the folder of the runs cannot be made ({error.strerror}); name another with --run_dir"
        ) from error


def new_name() -> str:
    """Returns what a folder is called that begins now."""
    return f"seeds-{datetime.now():%Y%m%d-%H%M%S}"
