"""Tracking of runs with Weights & Biases."""

import contextlib
import netrc
import os
import sys
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

from pytorch_lightning.loggers import WandbLogger

from core.atomic_files import write_atomically
from core.errors import InputError

ID_FILE = "wandb_id.txt"


def check_account() -> None:
    """Checks that an account is configured: a key in the environment, or one that `wandb login` has stored.

    Raises:
        InputError: There is none.
    """
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    for name in (os.environ.get("NETRC"), "~/.netrc", "~/_netrc"):
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            if name and netrc.netrc(Path(name).expanduser()).authenticators(host):
                return
    raise InputError(
        "--wandb online: no account is configured; run `wandb login` first, or keep it local with --wandb offline"
    )


def wandb_logger(folder: Path, name: str, mode: Literal["offline", "online"], config: dict[str, Any]) -> WandbLogger:
    """Makes the logger of a run; a continued or tested run keeps its id.

    Args:
        folder: The run's folder, which keeps the id and the files.
        name: Project name, after the config.
        mode: Whether to send it.
        config: The merged config, sent once.

    Returns:
        The logger.
    """
    id_file = folder / ID_FILE
    run_id = id_file.read_text(encoding="utf-8").strip() if id_file.exists() else f"{folder.name}-{os.urandom(3).hex()}"
    write_atomically(id_file, run_id + "\n")
    return WandbLogger(
        name=folder.name,
        save_dir=folder,
        project=name,
        id=run_id,
        offline=mode == "offline",
        resume="allow",
        config=config,
    )


def finish_tracking() -> None:
    """Ends the run at Weights & Biases, if there is one, so that all of it is written."""
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        wandb.finish()
