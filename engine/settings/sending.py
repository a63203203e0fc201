"""Whether a run sends its figures away: a config that can come from anybody decides neither that nor where to.

It does where the user says so in the call, and where the run is the user's own: one that the user has trained, or has
trusted, with these very settings. These runs are on a list beside that of known code.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.code.known_code import list_file
from engine.settings.import_paths import import_paths

TRACKER = "wandb"  # its options begin so
ONLINE = "online"
KEPT_HERE = ("TensorBoardLogger", "CSVLogger")  # Lightning's loggers that write files and nothing else


def own_runs_file() -> Path:
    """Returns the list of the user's own runs: a folder and a digest of what is sent where, in each line."""
    return list_file().with_name("own_runs.txt")


def is_own_run(run: Path, config: Mapping[str, Any]) -> bool:
    """Returns whether a run is on the user's list with what its config says of sending.

    Args:
        run: The run's folder.
        config: Its config.
    """
    try:
        return _line(run, config) in own_runs_file().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # there is no list, or nobody could have written it
        return False


def note_own_run(run: Path, config: Mapping[str, Any]) -> bool:
    """Puts a run on the user's list, if it sends anything; returns whether this was done or is not needed.

    Args:
        run: The run's folder.
        config: Its config, as it is recorded.
    """
    sends = config.get(TRACKER) == ONLINE or sending_loggers(config)
    if not sends or is_own_run(run, config):
        return True
    path = own_runs_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:  # in one piece, beside other processes
            file.write(f"{_line(run, config)}\n")
    except OSError:
        return False
    return True


def sending_loggers(config: Mapping[str, Any]) -> list[str]:
    """Returns the names of a config's loggers that could send figures away."""
    names = [name for _, name in import_paths(_loggers(config))]
    return [name for name in names if name.rpartition(".")[2] not in KEPT_HERE]


def _loggers(config: Mapping[str, Any]) -> Any:
    trainer = config.get("trainer")
    return trainer.get("logger") if isinstance(trainer, Mapping) else None


def _line(run: Path, config: Mapping[str, Any]) -> str:
    named = {key: value for key, value in config.items() if str(key).startswith(TRACKER)}
    text = json.dumps([named, _loggers(config)], sort_keys=True, default=str)
    return f"{json.dumps(str(run.resolve()))}\t{hashlib.sha256(text.encode()).hexdigest()}"
