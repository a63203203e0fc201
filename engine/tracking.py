"""Weights & Biases, for whoever asks for it."""

import os
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.loggers import WandbLogger

from engine.errors import InputError

ID_FILE = "wandb_id.txt"


def check_account() -> None:
    """Checks that Weights & Biases knows who we are.

    Raises:
        InputError: No key is configured.
    """
    import wandb  # takes seconds: only where it is asked for

    if not wandb.Api.__module__:
        raise InputError("wandb")


def wandb_logger(folder: Path, name: str, mode: Literal["offline", "online"], config: dict[str, Any]) -> WandbLogger:
    """Makes the logger of a run; a run that is continued or tested goes on as the same one.

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
    id_file.write_text(run_id + "\n", encoding="utf-8")
    return WandbLogger(
        name=folder.name, save_dir=folder, project=name, id=run_id, offline=mode == "offline", resume="allow", config=config
    )
