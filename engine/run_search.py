"""Finds the run and the checkpoint that a name stands for; without torch."""

from pathlib import Path

from core.errors import InputError


def find_checkpoint(given: str, subcommand: str) -> tuple[Path | None, Path | None]:
    """Finds the checkpoint that `--ckpt_path` names.

    Args:
        given: A run folder or a checkpoint file.
        subcommand: `fit` continues from a run's last checkpoint; the others take its best.

    Returns:
        The checkpoint file, None for a run that `fit` is to begin again, since it ended before its first checkpoint;
        and the run folder around it or None.

    Raises:
        InputError: Neither is there.
    """
    path = Path(given).expanduser().resolve()
    if path.is_dir():
        preferred = ["last.ckpt", "best.ckpt"] if subcommand == "fit" else ["best.ckpt", "last.ckpt"]
        for name in preferred:
            if (path / "checkpoints" / name).is_file():
                return path / "checkpoints" / name, path if (path / "config.yaml").is_file() else None
        if subcommand == "fit" and (path / "config.yaml").is_file():
            return None, path
        raise InputError(f"--ckpt_path {given}: no checkpoint in this folder (looked for checkpoints/{preferred[0]})")
    if not path.is_file():
        raise InputError(f"--ckpt_path {given}: no such run folder or checkpoint file")
    folder = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    if (folder / "config.yaml").is_file() and (folder / "summary.json").is_file():
        return path, folder
    return path, None
