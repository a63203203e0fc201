"""Configs and flags that name different classes for one thing: what the first leaves, which nobody may have meant."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.settings.config_files import flatten, read_config

CLASS = ".class_path"
MOST = 6  # settings that are named


def notes_of_mixture(configs: Sequence[Path], flagged: Collection[str], recorded: Mapping[str, Any]) -> Iterator[str]:
    """Yields lines on what stays of a config's model, data, optimizer and so on where another class replaces its own.

    A config that names no class, or the same, is there to override single settings, and needs no note.

    Args:
        configs: The configs that the user has named, in order.
        flagged: Dotted keys that flags set.
        recorded: The merged settings as the run records them.
    """
    holds = flatten(dict(recorded))
    contents = [flatten(read_config(path)) for path in configs]
    keys = {"model", "data"}  # whose class may be all that a config gives
    keys |= {key.removesuffix(CLASS) for content in contents for key in content if key.endswith(CLASS)}
    told: list[str] = []
    for key in sorted(keys, key=lambda key: (key.count("."), key)):
        new = _class_of(holds, key)
        named = [(place, name) for place, content in enumerate(contents) if (name := _class_of(content, key))]
        olds = [(place, name) for place, name in named if name != new]
        if not new or not olds or any(key.startswith(f"{outer}.") for outer in told):
            continue
        first, old = olds[-1]
        later = set().union(flagged, *contents[first + 1 :])
        stays = [name for name, value in contents[first].items() if _is_kept(name, value, later, holds)]
        one, by_flag = configs[first].name, named[-1][0] == first
        if by_flag and not {key, f"{key}{CLASS}"} & {*flagged}:
            continue
        if by_flag or "." in key:  # no other config of a whole run
            stays = [name for name in stays if name.startswith(f"{key}.")]
            if not stays:
                continue
        told.append(key)
        cause = f"--{key}" if by_flag else configs[named[-1][0]].name
        left = f"{', '.join(stays[:MOST])}{f' and {len(stays) - MOST} more' if len(stays) > MOST else ''}"
        what = key.rpartition(".")[2]
        yield f"note     {cause} replaces the {what} {old} of {one} by {new}; kept from {one}: {left or 'nothing'}"
    yield from _notes_of_lists([path.name for path in configs], contents, flagged, holds)


def _is_kept(name: str, value: Any, later: set[str], holds: Mapping[str, Any]) -> bool:
    """Returns whether a config's setting is one of the run, whose record may write its value in another way.

    Args:
        name: The setting's dotted key.
        value: What the config gives it.
        later: Dotted keys that are set after it.
        holds: The merged settings, by dotted key.
    """
    key = name.removesuffix(CLASS)
    if f"{key}{CLASS}" in holds:
        return name not in later and _class_of({name: value}, key) == _class_of(holds, key)
    if name in later or name.removesuffix("+") not in holds:
        return False
    groups = [outer for outer in later if name.startswith(f"{outer}.") and f"{outer}{CLASS}" not in holds]
    return not groups or holds.get(name) == value  # null gives a group its defaults


def _notes_of_lists(
    names: Sequence[str], contents: Sequence[Mapping[str, Any]], flagged: Collection[str], holds: Mapping[str, Any]
) -> Iterator[str]:
    """Yields a line for each list of objects that replaces a config's, where some might be missed."""
    for place, content in enumerate(contents):
        for key, value in content.items():
            causes = [names[later] for later in range(place + 1, len(names)) if key in contents[later]]
            causes += [f"--{key}"] * (key in flagged)
            kept = _classes_in(holds.get(key)) or [*filter(None, [_class_of(holds, key)])]
            lost = [name for name in _classes_in(value) if name not in kept]
            if causes and kept and lost:
                yield f"note     {causes[-1]} leaves {', '.join(lost)} of {names[place]} out; {key}+ adds to a list"


def _classes_in(value: Any) -> list[str]:
    """Returns the names of the classes in a list of objects, without their modules."""
    objects = value if isinstance(value, list) else []
    named = [one.get("class_path") if isinstance(one, Mapping) else None for one in objects]
    return [name.rpartition(".")[2] for name in named if isinstance(name, str)]


def _class_of(content: Mapping[str, Any], key: str) -> str:
    """Returns the name of the class that settings give at a key, without its module; empty if they give none."""
    named = content.get(f"{key}{CLASS}", content.get(key))
    return named.rpartition(".")[2] if isinstance(named, str) else ""
