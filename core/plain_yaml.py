"""YAML that this program has written, read by the library in C where PyYAML has it: ten times as fast.

The one in Python reads what that refuses. Configs of users are read in `engine/settings/config_files.py`.
"""

from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_plain(text: str) -> Any:
    """Returns what a text of YAML holds: mappings, lists, texts, numbers.

    Raises:
        YAMLError: It is no YAML, or holds objects.
    """
    try:
        return yaml.load(text, LOADER)
    except yaml.YAMLError:  # or a file name that is no UTF-8, whose bytes Python alone can escape
        return yaml.safe_load(text)
