"""All mistakes in the settings of a command line at once, each with its place and what was probably meant."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from core.errors import InputError
from core.terminal.printable import SURROGATE
from engine.settings.error_messages import MISSING, NO_LIST, NO_OPTION, NO_PLACE, NO_VALUE, Mistake
from engine.settings.overview import typed_command
from engine.settings.settings_sources import Place, SettingsSources
from engine.settings.suggestions import (
    class_suggestions,
    names_a_class,
    option_suggestions,
    unregistered,
    word_suggestion,
)

MOST = 20  # mistakes that are looked for
CLASS = ".class_path"
CONFIG_ENDINGS = (".yaml", ".yml")
LONG = 60  # characters of a value that are shown


class Refused(InputError):
    """The parser refuses a setting.

    Args:
        mistake: The setting and the reason.
    """

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


def parse_settings(parser: ArgumentParser, options: list[str]) -> Namespace:
    """Parses the options of a subcommand.

    Args:
        parser: The parser of the subcommand.
        options: What follows the subcommand, with every config as a file.

    Returns:
        The settings.

    Raises:
        InputError: One or more of them are mistakes; has a line for each.
    """
    _check_encoding(options)
    try:
        return parser.parse_args(options)
    except Refused as refusal:
        known = [option.removeprefix("--") for option in parser._option_string_actions]
        raise InputError("\n".join(_explain(refusal, options, parser.parse_args, known))) from refusal


def _check_encoding(options: list[str]) -> None:
    """Checks that the values of all options but `--input` are UTF-8, which the parser and `config.yaml` need.

    Raises:
        InputError: One is not, such as the name of a folder from a system with another encoding.
    """
    option = ""
    for word in options:
        option = word.partition("=")[0] if word.startswith("--") else option
        if option != "--input" and SURROGATE.search(word):
            raise InputError(
                f"{option} {word}: is not UTF-8, as settings are; give another name of it, such as a link (ln -s)"
            )


def _explain(
    refusal: Refused, options: list[str], parse: Callable[[list[str]], Namespace], known: list[str]
) -> list[str]:
    """Finds all mistakes, by taking each out and trying what is left; returns a line for each."""
    sources = SettingsSources(options)
    found: list[tuple[Mistake, Place | None]] = []
    classes: dict[str, str] = {}
    while True:
        mistake = refusal.mistake
        if found and mistake.reason.startswith(MISSING):  # its name was the mistake
            break
        if mistake.reason == NO_VALUE:  # the parser names the class's option in place of the setting below it
            mistake = replace(mistake, key=sources.valueless(mistake.key) or mistake.key)
        is_class = partial(names_a_class, mistake.key) if mistake.is_unknown_class else None
        place = sources.take(mistake.key, is_class) if mistake.key else None
        found.append((mistake, place))
        if place is None or len(found) == MOST:
            break
        try:
            settings = parse(sources.options())
        except Refused as another:
            refusal = another
        else:
            names = {name.replace(".init_args", ""): name for name in settings.keys()}  # noqa: SIM118 (a Namespace)
            known = [*known, *names]
            classes = {key.removesuffix(CLASS): settings[name] for key, name in names.items() if key.endswith(CLASS)}
            break
    found.sort(key=lambda pair: pair[1].order if pair[1] is not None else ())
    used = {Path(word).name for word in options if word.endswith(CONFIG_ENDINGS)}
    return list(dict.fromkeys(_line(mistake, place, known, classes, used) for mistake, place in found))


def _line(mistake: Mistake, place: Place | None, known: list[str], classes: dict[str, str], used: set[str]) -> str:
    in_file = place is not None and place.is_in_file
    value = mistake.value
    if in_file and place.written:
        value = place.written
    elif value is not None and value.startswith(("{", "[")) and len(value) > LONG:
        value = None
    meant: list[str] = []
    hint = ""
    if mistake.reason == NO_OPTION:
        meant = [name if in_file else f"--{name}" for name in option_suggestions(mistake.key, known)]
        hint = _of_class(mistake.key, classes)
    elif mistake.reason == NO_PLACE:
        hint = word_suggestion(mistake.key)
    elif mistake.is_unknown_class and value:
        hint = unregistered(mistake.key, value)
        near = [] if hint else class_suggestions(mistake.key, value)
        # a config that is read already helps no one
        meant = [name for name in near if Path(name.removeprefix("--config ")).name not in used]
    elif in_file and place.written and place.read_as is not None and _wants_text(mistake.reason, value):
        hint = f"; YAML reads {value} as {place.read_as}: write '{value}', in quotes"
    elif mistake.reason == NO_LIST:
        hint = f": '[{value}]'" if value and value[0] not in "[{" else ": '[...]'"
    if meant:
        hint = f"; did you mean {' or '.join(meant)}?"
    mistake = replace(mistake, value=None if mistake.reason == NO_OPTION else value)
    return (mistake.told(place.name) if place is not None else str(mistake)) + hint


def _of_class(key: str, classes: dict[str, str]) -> str:
    """Returns which class has no such option, and what lists those that it has; nothing if it is no class's."""
    owner = key.rpartition(".")[0]
    if not isinstance(path := classes.get(owner), str):
        return ""
    name = path.rpartition(".")[2]
    return f" of {name}" + ("" if "." in owner else f"; '{typed_command()} fit --{owner}.help {path}' lists them")


def _wants_text(reason: str, written: str | None) -> bool:
    """Returns whether a value would do if it were text."""
    return written is not None and (reason == "expected str" or f"'{written}'" in reason)
