"""A parser of command lines whose errors are one line."""

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
