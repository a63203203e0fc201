"""Imported last by the process that commands are forked from: it loads the data that they share, if it is asked to."""

import contextlib
import json
import os

import torch

from core.errors import InputError
from core.terminal.library_warnings import ignore_library_warnings
from datamodules.base.data_module import DataModule
from engine.cli.merged_settings import build_data
from engine.processes.forked_commands import SHARED_DATA
from engine.processes.parent_watchdog import end_watch
from engine.settings.arguments import parse_command_line


def load_shared_data(argv: list[str]) -> None:
    """Loads the data of a command, unless this would start threads, which a fork loses.

    Args:
        argv: What follows `cli.py`. What is wrong with it is left to the command itself.
    """
    with contextlib.suppress(InputError), ignore_library_warnings():
        data = build_data(parse_command_line(argv))  # also without threads to spare: parsing fills caches
        # setting another number of threads here could change how the forked processes compute
        if isinstance(data, DataModule) and torch.get_num_threads() == 1:
            data.load_for_all()


if SHARED_DATA in os.environ:
    load_shared_data(json.loads(os.environ[SHARED_DATA]))
end_watch()
