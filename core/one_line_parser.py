"""A parser of command lines whose errors are one line, and types of its options."""

import argparse
from typing import NoReturn

from core.errors import InputError


class OneLineParser(argparse.ArgumentParser):
    """Python's parser, which would print how the command is used as well."""

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong with the command line.

        Raises:
            InputError: Always.
        """
        raise InputError(message.removeprefix("argument "))


def at_least_one(text: str) -> int:
    """Returns the number of an option, such as `--workers`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number, at least 1, is needed")
    return int(text)


def different_numbers(text: str) -> list[int]:
    """Returns the numbers of an option, such as `--seeds`."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts) or len({*map(int, parts)}) < len(parts):
        raise argparse.ArgumentTypeError(f"{text}: different numbers are needed, such as 1,2,3")
    return [int(part) for part in parts]


def named(text: str) -> str:
    """Returns the name of a file or folder, which is not empty, as a variable of a shell may be."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text
