"""Settings that the files of a run decide when a command uses its checkpoint."""

from pathlib import Path
from typing import Any

from core.errors import InputError
from core.run_layout import CONFIG
from engine.settings.config_files import flatten, read_config
from engine.settings.ownership import data_class


def arguments_from_run(run: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Returns arguments of the data set that come from a run's folder in place of those of a merged config.

    Args:
        run: The run's folder.
        config: The merged config of this call.

    Raises:
        InputError: This call changes an argument that a file of the run states, so that it would be ignored.
    """
    data = data_class(config)
    taken = data.take_over(run)
    settings = {name: value for name, value in taken.items() if name not in data.paths}
    recorded = flatten(read_config(run / CONFIG)) if settings else {}
    now = flatten(config)
    for name, value in settings.items():
        for key, default in flatten({"data": {name: value}}).items():
            # what the run records, though a release can have ignored it, or not had it yet
            allowed = [recorded.get(key, default), *([] if name in data.stated else [default])]
            if key in now and now[key] not in allowed:
                raise InputError(f"--{key} {now[key]}: {run} keeps to what its vocabulary.json states; leave this out")
    return taken
