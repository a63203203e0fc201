"""What the parser of the command finds once a session, and not in every test.

A command parses the settings of each class a dozen times, those of classes within it more often yet; and most commands
of the tests have the same networks and data.
"""

import enum
import functools
import re
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import jsonargparse._typehints as typehints
import pytest
from jsonargparse import Namespace, _core, _namespace, _subcommands
from jsonargparse._actions import print_config_skip
from jsonargparse._common import (
    defaults_cache,
    lenient_check,
    load_value_mode,
    nested_links,
    parent_parser,
    parsing_defaults,
    path_dump_preserve_relative,
    single_subcommand,
    validating_defaults,
)
from jsonargparse._link_arguments import apply_config_skip

# What these names stand for stays as it is; files and modules of a test may have the same name in another.
LASTING = ("callbacks.", "datamodules.", "lightning_modules.", "tests.", "torch.", "pytorch_lightning.")
# Of a class, which need not be unique; of something in a module, or of a file.
NAME = re.compile(r"[A-Z]\w*|(?![\d.-]+$)[\w./-]*[./][\w./-]*")
CONTEXT = (
    *(apply_config_skip, lenient_check, load_value_mode, parsing_defaults, path_dump_preserve_relative),
    *(print_config_skip, single_subcommand, typehints.allow_default_instance, typehints.sub_defaults),
    validating_defaults,
)


class Changing(Exception):
    """A value may stand for something else in another test."""


def parse_classes_once(patch: pytest.MonkeyPatch) -> None:
    """Keeps what the parser makes of the settings of a class."""
    parse = typehints.adapt_class_type
    known: dict[Any, Namespace] = {}

    @functools.wraps(parse)
    def adapt_class_type(
        value: Any,
        serialize: bool,
        instantiate_classes: bool,
        sub_add_kwargs: dict[str, Any],
        prev_val: Any = None,
        partial_skip_args: Any = None,
        typehint: Any = None,
    ) -> Any:
        given = (value, serialize, instantiate_classes, sub_add_kwargs, prev_val, partial_skip_args, typehint)
        if instantiate_classes:
            return parse(*given)
        try:
            rest = (serialize, partial_skip_args, typehint, typehints.freeze(sub_add_kwargs))
            key = (_key(value), _key(prev_val), rest, _context(serialize))
            hash(key)
        except (Changing, TypeError):
            return parse(*given)
        if key in known:
            return known[key].clone()
        parsed = parse(*given)
        known[key] = parsed.clone()
        return parsed

    patch.setattr(typehints, "adapt_class_type", adapt_class_type)


def find_options_once(patch: pytest.MonkeyPatch) -> None:
    """Keeps which option of a parser has a name, for which it looks through all of them a hundred times a command."""
    for name in ("find_action_and_subcommand", "is_branch_key"):
        found = _kept_by_parser(getattr(_subcommands, name))
        for module in (_core, _subcommands):
            patch.setattr(module, name, found)


def _kept_by_parser(find: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps what a function finds among the options of a parser, as long as it gets no others."""

    @functools.wraps(find)
    def found(parser: Any, name: str, exclude: Any = None) -> Any:
        number, known = parser.__dict__.setdefault("_known_options", (len(parser._actions), {}))
        if number != len(parser._actions):
            known = {}
            parser._known_options = (len(parser._actions), known)
        key = (find.__name__, name, exclude)
        if key not in known:
            known[key] = find(parser, name) if exclude is None else find(parser, name, exclude)
        return known[key]

    return found


def find_settings_quickly(patch: pytest.MonkeyPatch) -> None:
    """Divides each name of a setting once, and copies settings as they are: a fifth of a short command's time."""
    parse, copy = Namespace._parse_key, _namespace.recreate_branches

    @functools.cache
    def divided(key: str) -> tuple[str, list[str], str] | None:
        names = [_namespace.add_clash_mark(name) for name in key.split(".")]
        return None if " " in key or "" in names else (names[-1], names[:-1], ".".join(names[:-1]))

    @functools.wraps(parse)
    def _parse_key(self: Namespace, key: str) -> tuple[str, Any, str]:
        parts = divided(key) if isinstance(key, str) else None
        if parts is None:
            return parse(self, key)
        leaf, names, parent_key = parts
        place: Any = self
        for name in names:
            if type(place) is not Namespace:
                return parse(self, key)
            if name not in place.__dict__:
                return leaf, None, parent_key
            place = place.__dict__[name]
        is_parent = place is None or isinstance(place, Namespace | dict)
        return leaf, place if is_parent else None, parent_key

    @functools.wraps(copy)
    def recreate_branches(data: Any, skip_keys: Any = None) -> Any:
        if type(data) is Namespace:
            copied = Namespace()
            for key, value in data.__dict__.items():
                if skip_keys is None or key not in skip_keys:
                    copied.__dict__[key] = recreate_branches(value, skip_keys)
            return copied
        return copy(data, skip_keys) if isinstance(data, Namespace | dict | list) else data

    patch.setattr(Namespace, "_parse_key", _parse_key)
    for module in (_core, _namespace):
        patch.setattr(module, "recreate_branches", recreate_branches)


def _context(serialize: bool) -> tuple[Any, ...]:
    """Returns what a parser's answer depends on, apart from the settings."""
    if defaults_cache.get() is not None:
        raise Changing
    parser = parent_parser.get()
    of_dump = typehints.freeze(typehints.dump_kwargs.get()) if serialize else None
    links = typehints.freeze(nested_links.get())
    return (
        *(type(parser), parser.parser_mode, links, of_dump, typehints.freeze(_subcommands.parse_kwargs.get())),
        *(variable.get() for variable in CONTEXT),
    )


def _key(value: Any) -> Any:
    """Returns something that is equal for equal settings alone.

    Raises:
        Changing: A value may stand for something else in another test.
    """
    if isinstance(value, Namespace | dict):
        return type(value), tuple((name, _key(one)) for name, one in getattr(value, "__dict__", value).items())
    if isinstance(value, list | tuple):
        return type(value), tuple(map(_key, value))
    if isinstance(value, str):
        if NAME.fullmatch(value) and not value.startswith(LASTING):
            raise Changing
        module, _, name = value.rpartition(".")
        return value, getattr(sys.modules.get(module), name, None)  # which a test may have replaced
    if value is None or isinstance(value, int | float | type | FunctionType | enum.Enum):
        return type(value), repr(value) if isinstance(value, float) else value
    raise Changing
