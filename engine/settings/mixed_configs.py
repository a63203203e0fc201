"""Two configs of whole runs in one command: what the first leaves in the second, which nobody may have meant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.settings.config_files import flatten, read_config

PARTS = ("model", "data")
MOST = 6  # settings that are named


def note_of_mixture(configs: Sequence[Path], recorded: Mapping[str, Any]) -> str:
    """Returns a line on what stays of configs whose model or data a later one replaces; empty if none does.

    A config that names no class, or the same, is there to override single settings, and needs no note.

    Args:
        configs: The configs that the user has named, in order.
        recorded: The merged settings as the run records them.
    """
    contents = [flatten(read_config(path)) for path in configs]
    holds = flatten(dict(recorded))
    for part in PARTS:
        named = [(place, _class_of(content, part)) for place, content in enumerate(contents)]
        named = [(place, name) for place, name in named if name]
        if len({name for _, name in named}) < 2:
            continue
        last, new = named[-1]
        first, old = next(pair for pair in reversed(named) if pair[1] != new)
        later = set().union(*contents[first + 1 :])
        stays = [key for key, value in contents[first].items() if key not in later and holds.get(key) == value]
        one, other = configs[first].name, configs[last].name
        left = f"{', '.join(stays[:MOST])}{f' and {len(stays) - MOST} more' if len(stays) > MOST else ''}"
        return f"note     {other} replaces the {part} {old} of {one} by {new}; of {one} stays {left or 'nothing'}"
    return ""


def _class_of(content: Mapping[str, Any], part: str) -> str:
    """Returns the name of the class that settings give a part, without its module; empty if they give none."""
    named = content.get(f"{part}.class_path", content.get(part))
    return named.rpartition(".")[2] if isinstance(named, str) else ""
