"""YAML that this program writes and reads itself, by the library in C where PyYAML has it: ten times as fast.

The one in Python does what that refuses. Configs of users are read in `engine/settings/config_files.py`.
"""

from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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

    Args:
        content: What it holds.
        allow_unicode: Whether signs beyond ASCII stand in it as they are.

    Raises:
        YAMLError: The content has something else in it.
    """
    form = {"default_flow_style": False, "allow_unicode": allow_unicode, "sort_keys": False}
    try:
        return yaml.dump(content, Dumper=DUMPER, **form)
    except (UnicodeEncodeError, yaml.representer.RepresenterError):  # as above; some types are registered there alone
        return yaml.safe_dump(content, **form)
