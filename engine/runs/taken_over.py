"""Settings that the files of a run decide when a command uses its checkpoint."""

from pathlib import Path
from typing import Any

from core.errors import InputError
from engine.runs.resume import changes
from engine.settings.config_files import flatten
from engine.settings.ownership import data_class


def taken_over(run: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Returns arguments of the data set that come from a run's folder in place of those of a merged config.

    Args:
        run: The run's folder.
        config: The merged config of this call.

    Raises:
        InputError: This call changes an argument that a file of the run states, so that it would be ignored.
    """
    data = data_class(config)
    taken = data.take_over(run)
    stated = flatten({"data": {name: value for name, value in taken.items() if name not in data.paths}})
    for key, (_, now) in changes(run, config).items() if stated else ():
        if key in stated:
            raise InputError(f"--{key} {now}: {run} keeps to what its vocabulary.json states; leave this out")
    return taken
