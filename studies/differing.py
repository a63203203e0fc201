"""What differs between two descriptions of a study."""

from collections.abc import Container, Mapping
from typing import Any

from engine.settings.config_files import flatten
from engine.settings.run_identity import differ

NOT_PART_OF_STUDY = ("run_cap", "name", "description", "entity", "project", "program")  # of the file
LONG = 60  # characters of a value that are shown


def what_changed(before: Mapping[str, Any], now: Mapping[str, Any], given: Container[str] | None = None) -> str:
    """Returns in words what differs between two descriptions of a study; nothing if they are of one study.

    Args:
        before: The description that is kept.
        now: That of the command.
        given: Dotted keys of the settings that the command gives. Others that are newer than the description, as a
            release adds options, are at their defaults, and do not count; if None all count.
    """
    known = before["settings"]
    settings = {k: v for k, v in now["settings"].items() if given is None or k in known or k in given}
    ours, theirs = _flat({**now, "settings": settings}), _flat(before)
    absent = "not there"
    differing = [key for key in {**theirs, **ours} if differ(key, theirs.get(key, absent), ours.get(key, absent))]
    pairs = [(key, _shown(theirs.get(key, absent)), _shown(ours.get(key, absent))) for key in differing[:3]]
    words = [f"{key} was {was} and is {now_} now" for key, was, now_ in pairs]
    return ", ".join(words) + (f", and {len(differing) - 3} more" if len(differing) > 3 else "")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONG else f"{text[:LONG]}..."


def _flat(description: Mapping[str, Any]) -> dict[str, Any]:
    file = {key: value for key, value in description["file"].items() if key not in NOT_PART_OF_STUDY}
    return flatten(file) | {"seeds": description["seeds"]} | description["settings"]
