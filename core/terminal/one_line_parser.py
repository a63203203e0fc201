"""A parser of command lines whose errors are one line, and types of its options."""

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from core.errors import InputError
from core.processes.threads import too_many

LAST_SEED = 2**32 - 1  # that NumPy takes
NEAR = 0.75  # likeness, from 0 to 1, from which on an option is a mistyped one
REQUIRED, UNKNOWN = "the following arguments are required: ", "unrecognized arguments: "  # as Python words it


class OneLineParser(argparse.ArgumentParser):
    """Python's parser, which would print how the command is used as well."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parses a command line as Python does, once no option in it is a mistyped one of this parser.

        What is left may be for another command, which knows none of these options, and takes long to say so.

        Raises:
            InputError: One is mistyped, or a value is wrong.
        """
        own = [option.removeprefix("--") for option in self._option_string_actions if option.startswith("--")]
        for option in (word[2:].partition("=")[0] for word in args or () if word.startswith("--")):
            near = difflib.get_close_matches(option, own, n=1, cutoff=NEAR)
            if near and option not in own and "." not in option:
                raise InputError(f"--{option}: there is no such option; did you mean --{near[0]}?")
        return super().parse_known_args(args, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Checks that a value is one of those that there are.

        Raises:
            InputError: It is none. Python's own message names a word by its place in the program alone.
        """
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        near = difflib.get_close_matches(value, choices, n=1)
        near += [choice for choice in choices if value and (choice in value or value in choice)]
        name = action.option_strings[0] if action.option_strings else self.prog.split()[-1]
        meant = f"; did you mean {near[0]}?" if near else ""
        expected = " or ".join(part for part in (", ".join(choices[:-1]), choices[-1]) if part)
        raise InputError(f"{name} {value}: expected {expected}{meant}")

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong with the command line.

        Raises:
            InputError: Always.
        """
        name = self.prog.split()[-1]
        if message.startswith(REQUIRED):
            raise InputError(f"{name} needs {message.removeprefix(REQUIRED)}; '{self.prog} --help' explains")
        if message.startswith(UNKNOWN):
            word = message.removeprefix(UNKNOWN).partition(" ")[0] or "''"
            what = "there is no such option" if word.startswith("-") else "one word too many"
            raise InputError(f"{word}: {what}; '{self.prog} --help' lists what {name} takes")
        raise InputError(message.removeprefix("argument "))


def at_least_one(text: str) -> int:
    """Returns the number of an option, such as `--workers`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number, at least 1, is needed")
    return int(text)


def runs_at_a_time(text: str) -> int:
    """Returns how many runs are made at a time, each in a process of its own."""
    number = at_least_one(text)
    if reason := too_many(number):
        raise argparse.ArgumentTypeError(f"{text}: {reason}")
    return number


def different_seeds(text: str) -> list[int]:
    """Returns the numbers of `--seeds`."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) <= LAST_SEED for part in parts):
        raise argparse.ArgumentTypeError(f"{text}: numbers from 0 to {LAST_SEED} are needed, such as 1,2,3")
    if len({*map(int, parts)}) < len(parts):
        raise argparse.ArgumentTypeError(f"{text}: different numbers are needed, such as 1,2,3")
    return [int(part) for part in parts]


def named(text: str) -> str:
    """Returns the name of a file or folder, which is not empty, as a variable of a shell may be."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text
