"""What is checked before a study begins: that every value arrives in the run that it is meant for."""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from pydoc import locate
from typing import Any

from core.errors import InputError
from core.files.home import from_home
from engine.settings.config_files import flatten
from engine.settings.run_identity import SAME_RECIPE
from studies.distributions import Parameter
from studies.parameters import is_number

ABSENT = object()  # in place of a setting that is not there
CHECKED_APART = ("seed_everything", "weights")  # of SAME_RECIPE, and compared all the same


def as_words(settings: dict[str, Any]) -> list[str]:
    """Returns settings as options of a command."""
    return [f"--{key}={_word(value)}" for key, value in settings.items()]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def examples(parameters: dict[str, Parameter]) -> list[dict[str, Any]]:
    """Returns points in which every value of every parameter occurs, and both ends of ranges."""
    values = {name: parameter.examples() for name, parameter in parameters.items()}
    most = max(len(one) for one in values.values())
    return [{name: one[number % len(one)] for name, one in values.items()} for number in range(most)]


def check(words: list[str], points: Sequence[dict[str, Any]], metric: str | None, mode: str | None) -> dict[str, Any]:
    """Checks settings, in a process that may import torch.

    Args:
        words: The command of all trials.
        points: Settings to try.
        metric: Logged name of the value that counts; if None what decides about a run's checkpoints.
        mode: Whether less or more of it is better.

    Returns:
        `metric` and `mode`, both None for a model that states neither; `measures`, the model's by name; `settings`:
        those of the command, as far as they make it this study; and `given`: which its configs and options give.

    Raises:
        InputError: A setting does not arrive, or brings others with it; or the metric is not logged.
    """
    from core.measures import measures_of
    from engine.cli.merged_settings import SettingsAlone  # which imports torch
    from engine.settings.arguments import parse_command_line

    arguments = parse_command_line(words)
    given = sorted({*arguments.given, *arguments.flagged})
    alone = SettingsAlone(arguments)
    base = alone.recorded(alone.settings)
    for point in points:
        argv = [*words, *as_words(point)]
        settings = alone.parsed(argv)
        merged = alone.recorded(settings)
        for key, value in point.items():
            check_arrival(key, value, merged)
            check_inheritance(key, value, merged, base, {*point})
        model = alone.build_model(settings, argv)  # what a run refuses at once is no trial
        if settings.trainer.fast_dev_run:
            raise InputError("--trainer.fast_dev_run: leaves no figures to compare; --trainer.max_steps does")
    metric, mode = check_metric(metric, mode, model, settings.checkpoint)
    kept = {k: v for k, v in flatten(base).items() if k in CHECKED_APART or not k.startswith(SAME_RECIPE)}
    settings = json.loads(json.dumps(kept, default=str))
    return {"metric": metric, "mode": mode, "measures": measures_of(model), "settings": settings, "given": given}


def check_arrival(key: str, value: Any, merged: dict[str, Any]) -> None:
    """Checks that the merged settings have a value where it was to arrive.

    Raises:
        InputError: They have another, or none.
    """
    found = find(merged, key)
    if found is ABSENT or not _holds(found, value):
        has = "nothing" if found is ABSENT else json.dumps(found, default=str)
        raise InputError(
            f"parameters: {key}: {json.dumps(value, default=str)} does not arrive: the run would have {has}"
        )


def check_inheritance(key: str, value: Any, merged: dict[str, Any], base: dict[str, Any], stated: set[str]) -> None:
    """Checks that a class in place of the config's does not take over settings that were meant for that one.

    Args:
        key: Dotted key that names the class.
        value: What is given.
        merged: All settings with it.
        base: All settings without it.
        stated: Dotted keys of all parameters.

    Raises:
        InputError: It does; names the settings.
    """
    now, before = (find(tree, key) for tree in (merged, base))
    if not all(isinstance(one, dict) and "class_path" in one for one in (now, before)):
        return
    if _last(now["class_path"]) == _last(before["class_path"]):
        return
    given = (value.get("init_args") or {}) if isinstance(value, dict) else {}
    defaults = inspect.signature(locate(now["class_path"])).parameters
    arguments, others = (one.get("init_args") or {} for one in (now, before))
    kept = [
        name
        for name, one in arguments.items()
        if name not in given
        and not any(other == f"{key}.{name}" or other.startswith(f"{key}.{name}.") for other in stated)
        and one == others.get(name, ABSENT)
        and (name not in defaults or _holds(one, defaults[name].default) is False)
    ]
    if kept:
        named, others = now["class_path"], ", ".join(f"{name} {arguments[name]}" for name in kept)
        whole = ", ".join(
            [*(f"{name}: {json.dumps(one, default=str)}" for name, one in given.items()), *(f"{n}: ..." for n in kept)]
        )
        raise InputError(
            f"parameters: {key}: {named} would keep {others} of the config's {before['class_path']}; give its "
            f"{', '.join(kept)}, too: {{class_path: {named}, init_args: {{{whole}}}}}"
        )


def check_metric(metric: str | None, mode: str | None, model: Any, checkpoint: Any) -> tuple[str | None, str | None]:
    """Returns the value that counts, and whether less or more of it is better.

    Args:
        metric: Its logged name; None for what decides about a run's checkpoints.
        mode: Whether less or more of the metric is better.
        model: The model.
        checkpoint: The settings of the group `checkpoint`.

    Raises:
        InputError: The model does not log it.
    """
    from core.measures import OF_TESTS, choose_monitor, measure_of, measures_of

    if metric is None:
        named = (None, None) if checkpoint.monitor == "last" else (checkpoint.monitor, checkpoint.mode)
        return choose_monitor("--checkpoint.monitor", *named, model)
    names = measures_of(model)
    if metric.startswith(OF_TESTS):
        raise InputError(
            f"metric: {metric}: the test set selects nothing; name a value of validation, such as val/loss"
        )
    if names and measure_of(metric, names) is None:
        logged = ", ".join(f"{part}/{name}" for part in ("val", "train") for name in names)
        raise InputError(f"metric: {metric}: {type(model).__name__} does not log it; it logs {logged}")
    return metric, mode


def find(tree: Any, key: str) -> Any:
    """Returns what nested settings have under a dotted key without `init_args`; `ABSENT` if it is not there."""
    if not key:
        return tree
    parts = key.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        for place in (tree, tree.get("init_args")) if isinstance(tree, dict) else ():
            if isinstance(place, dict) and name in place:
                return find(place[name], ".".join(parts[count:]))
    return ABSENT


def _holds(found: Any, stated: Any) -> bool:
    """Returns whether settings have what was stated, beside what a class has by itself."""
    if isinstance(found, dict) and "class_path" in found and not isinstance(stated, dict):
        return isinstance(stated, str) and _last(found["class_path"]) == _last(stated)
    if isinstance(stated, dict):
        return isinstance(found, dict) and all(
            _last(str(found.get(name))) == _last(value) if name == "class_path" else _holds(find(found, name), value)
            for name, value in stated.items()
        )
    if isinstance(stated, list | tuple):
        return isinstance(found, list) and len(found) == len(stated) and all(map(_holds, found, stated))
    if isinstance(found, str) and isinstance(stated, str) and found != stated:  # a path, which is recorded whole
        return Path(found) == from_home(stated).resolve()
    return (type(found) is type(stated) and found == stated) or (
        is_number(found) and is_number(stated) and found == stated
    )


def _last(path: str) -> str:
    return path.rpartition(".")[2]
