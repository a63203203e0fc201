"""Where a value stands that a constructor or a check refuses, whose message need not even name its setting."""

import contextlib
import re
from collections.abc import Iterator

import yaml

from engine.settings.settings_sources import SettingsSources
from engine.settings.suggestions import SYNONYMS

# How a message may begin: `--trainer.max_epochs 0: ...`, `data.noise is 3: ...`, `--model.optimizer SGD: ...`
NAMED = re.compile(r"(?:--)?(?P<key>[a-z]\w*(?:\.\w+)*)(?:: in)?(?P<rest> (?:is )?(?P<what>[^:]+): (?P<reason>.*))")

# Where it arose, which need not be looked for once the setting is known.
PLACE = re.compile(r" \((?:at [^()]*; )?--traceback shows (?:where|more)\)$")


def with_place(message: str, options: list[str]) -> str:
    """Returns what is wrong with a value after the line of the file where it stands, or after the flag that gave it.

    Args:
        message: One line, about settings that the parser has accepted.
        options: What follows the subcommand, with every config as a file.

    Returns:
        The message; as it was where no place is known, several could be meant, or it names a flag already.
    """
    sources = SettingsSources(options)
    written = sources.written()
    named = NAMED.match(message)
    key = named["key"] if named is not None else ""
    if "." not in key and not message.startswith("--"):
        named, key = None, ""
    parts = [name for name, value in written.items() if _is_below(name, key) and _is_meant(message, name, value)]
    if len(parts) == 1 and parts[0] != key:
        place, value = sources.take(parts[0]), written[parts[0]]
        reason = PLACE.sub("", message if named is None else named["reason"])
        if told := re.fullmatch(rf"[^:]*\b{_leaf(parts[0])} is [^:]+: (.*)", reason):
            reason = told[1]
        reason = reason.removeprefix(f"--{parts[0]} ").removeprefix(f"{value}: ")
        return f"{place.name} {value}: {reason}"
    place = sources.take(key) if named is not None else None
    return f"{place.name}{named['rest']}" if place is not None and place.is_in_file else message


def _is_below(name: str, key: str) -> bool:
    return not key or name == key or name.startswith(f"{key}.")


def _leaf(key: str) -> str:
    return key.rpartition(".")[2]


def _is_meant(message: str, key: str, value: str) -> bool:
    """Returns whether a message holds a value and, beside it, the last part of its key, as a name or in words."""
    name = _leaf(key)
    names = {name, *(other for other, own in SYNONYMS.items() if own == name)}
    names |= {other.replace("_", " ") for other in names}
    for form in _forms(value):
        beside = re.sub(rf"(?<![\w.-]){re.escape(form)}(?!\w|\.\d)", "", message)  # a path can hold a name itself
        if beside != message and any(re.search(rf"(?i)\b{re.escape(one)}\b", beside) for one in names):
            return True
    return False


def _forms(value: str) -> Iterator[str]:
    """Yields how a message may write a number, a list or a text that a user has written in some way."""
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        read = None
    if isinstance(read, bool) or read is None:
        return
    with contextlib.suppress(ValueError):  # `1e-3`, which is a number for the parser alone
        read = float(read) if isinstance(read, str) else read
    yield from (value, str(read))
    if isinstance(read, int | float):
        yield from (str(float(read)), f"{read:g}")
