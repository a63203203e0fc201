"""JSON that can come from anybody."""

import json
from typing import Any


def load_json(text: str | bytes) -> Any:
    """Returns what a text of JSON holds.

    Raises:
        ValueError: It is none, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
