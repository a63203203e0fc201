"""YAML that this program writes and reads itself, by the library in C where PyYAML has it: ten times as fast.

The one in Python does what that refuses. Configs of users are read in `engine/settings/config_files.py`.
"""

import re
from types import NoneType
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# What jsonargparse, which parses configs, reads as a number: also `1e-3`, which is a text for PyYAML.
NUMBER = re.compile(
    r"""^(?:
    [-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |\.[0-9_]+(?:[eE][-+][0-9]+)?
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.X,
)


class NumbersOfConfigs(yaml.resolver.Resolver):
    """For a reader or writer of YAML: knows the numbers of configs, and so which texts need quotes in one."""


NumbersOfConfigs.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789."))


class _FastDumper(NumbersOfConfigs, DUMPER):
    """Writes YAML in C."""


class PlainDumper(NumbersOfConfigs, yaml.SafeDumper):
    """Writes YAML in Python."""


def load_plain(text: str) -> Any:
    """Returns what a text of YAML holds: mappings, lists, texts, numbers.

    Raises:
        YAMLError: It is no YAML, or holds objects.
    """
    try:
        return yaml.load(text, LOADER)
    except yaml.YAMLError:  # or a file name that is no UTF-8, whose bytes Python alone can escape
        return yaml.safe_load(text)


def dump_plain(content: Any, allow_unicode: bool = True) -> str:
    """Returns a text of YAML that holds mappings, lists, texts and numbers, in their order.

    A text that a config's parser would take for a number has quotes.

    Args:
        content: What it holds.
        allow_unicode: Whether signs beyond ASCII stand in it as they are.

    Raises:
        YAMLError: The content has something else in it.
    """
    form = {"default_flow_style": False, "allow_unicode": allow_unicode, "sort_keys": False}
    try:
        text = yaml.dump(content, Dumper=_FastDumper, **form)
    except (UnicodeEncodeError, yaml.representer.RepresenterError):  # as above; some types are registered there alone
        return yaml.dump(content, Dumper=PlainDumper, **form)
    if not allow_unicode and "\\" in text:  # the library in C divides long texts with escaped signs at other places
        return yaml.dump(content, Dumper=PlainDumper, **form)
    return text


def as_plain(content: Any) -> Any:
    """Returns what writing a content as YAML and reading it would return, without a text where there need be none.

    Mappings and lists are new ones.

    Raises:
        YAMLError: The content holds something that YAML does not.
    """
    try:
        return _copied(content)
    except TypeError:
        return load_plain(dump_plain(content))


def _copied(content: Any) -> Any:
    if type(content) is dict:
        return {_copied(key): _copied(value) for key, value in content.items()}
    if type(content) in (list, tuple):
        return [_copied(value) for value in content]
    if type(content) in (str, int, float, bool, NoneType):
        return content
    raise TypeError
