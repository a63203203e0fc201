"""The settings of a row's runs: what it states, with a digest, and its defaults; and a comparison with a run's."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from core.errors import InputError
from engine.settings.config_files import find_config, flatten, read_config
from engine.settings.run_identity import SAME_RECIPE, differ
from results.rows import Recipe


def stated(row: Recipe) -> dict[str, object]:
    """Returns the settings that a row's config and options state, by dotted key."""
    settings = _config(row) | row.options
    return {key: value for key, value in settings.items() if not key.startswith(SAME_RECIPE)}


def published_weights(row: Recipe) -> str | None:
    """Returns the name of the weights that a row's config or options state, which somebody else has trained."""
    return (_config(row) | row.options).get("weights")


def digest(row: Recipe) -> str:
    """Returns a short text that changes with what a row's config and options state, and with nothing else."""
    needed = {"weights_from": row.weights_from} | ({"judge": row.judge} if row.judge else {})
    if published := published_weights(row):
        needed |= {"weights": published}
    text = json.dumps(stated(row) | needed, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def merged(row: Recipe) -> dict[str, object]:
    """Returns all settings of a row's runs, the defaults among them, as a run records them."""
    from engine.cli.merged_settings import merged_settings  # takes seconds, which reading records need not

    return flatten(merged_settings(["fit", "--config", row.config, *row.flags]))


def defaults(row: Recipe, settings: Mapping[str, object] | None = None) -> dict[str, object]:
    """Returns the settings that a row leaves at their defaults, as they are today, by dotted key.

    Args:
        row: The row.
        settings: All settings of its runs, where they are at hand: merging them takes a while.
    """
    given, settings = stated(row), merged(row) if settings is None else settings
    return {key: value for key, value in settings.items() if key not in given and not key.startswith(SAME_RECIPE)}


def changed_defaults(row: Recipe, recorded: Mapping[str, object]) -> list[str]:
    """Returns in words which defaults differ today from those that a run of a row had.

    A setting that is newer than the run, and one that is no more, are no default that differs.

    Args:
        row: The row.
        recorded: The defaults of the run, as its record has them.
    """
    return [
        f"{key} {recorded[key]} (now {value})"
        for key, value in defaults(row).items()
        if key in recorded and differ(key, recorded[key], value)
    ]


def refuse_others(
    path: Path, theirs: Mapping[str, object], name: str, ours: Mapping[str, object], keys: Iterable[str]
) -> None:
    """Checks that settings are those that they should be, as far as these make it another run.

    Args:
        path: Where the settings are from.
        theirs: The settings, by dotted key.
        name: What should have them.
        ours: Those that it has now.
        keys: Which are compared.

    Raises:
        InputError: One differs.
    """
    for key in sorted(keys):
        if differ(key, theirs.get(key), ours.get(key)) and not key.startswith(SAME_RECIPE):
            raise InputError(f"{path}: --{key} is {theirs.get(key)}, where {name} has {ours.get(key)}")


def check_settings(row: Recipe, path: Path, retired: dict[str, object]) -> dict[str, object]:
    """Checks the config that a run recorded, setting by setting, against the one that the row gives now.

    A setting that is newer than the run must be one that the config leaves at its default.

    Args:
        row: The row.
        path: The recorded config.
        retired: Settings that no class takes any more, at the value that changed nothing.

    Returns:
        All settings that the row gives now.

    Raises:
        InputError: A setting differs, or the run lacks one that the config states.
    """
    recorded, settings = flatten(read_config(path)), merged(row)
    refuse_others(path, recorded, row.id, retired | settings, recorded.keys() | stated(row).keys())
    theirs, ours = recorded.get("weights"), published_weights(row)
    fits = theirs is not None if row.weights_from is not None else theirs == ours
    if not fits:
        raise InputError(f"{path}: --weights is {theirs}, where {row.id} has {row.weights_from or ours}")
    return settings


def _config(row: Recipe) -> dict[str, object]:
    path = find_config(row.config)
    return _read(path, path.stat().st_mtime_ns)


@cache
def _read(path: Path, changed: int) -> dict[str, object]:
    """Returns what a config states, by dotted key; it is asked for several times for each of hundreds of records."""
    return flatten(read_config(path))
