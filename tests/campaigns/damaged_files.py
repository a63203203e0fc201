"""Gives every reader of files thousands of damaged and invented ones; run by hand, for it takes minutes.

    python -m tests.campaigns.damaged_files --files 10000 [--kinds tunes,midi] [--seed 1]

Each file must be read, or be refused in one line: no other exception, no wait, no memory out of proportion. What fails
is made as small as it can be and printed.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, given, seed, settings

from core.errors import InputError
from tests.damage import Reader
from tests.readers import READERS


def main(argv: list[str] | None = None) -> int:
    """Runs the campaign; returns 1 if a reader fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="files of all kinds together")
    parser.add_argument("--kinds", help=f"separated by commas: {', '.join(READERS)}")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    kinds = arguments.kinds.split(",") if arguments.kinds else [*READERS]
    failed = []
    with patch("datamodules.cifar10.download_archive", side_effect=InputError("no network")):
        for kind in kinds:
            begun = time.process_time()
            tried, failure = campaign(READERS[kind], arguments.files // len(kinds), arguments.seed)
            if failure is not None:
                failed.append(kind)
                print(f"{kind}: {type(failure).__name__}: {failure}\n{notes(failure)}", flush=True)
            print(f"{kind:<35} {tried:6,} files {time.process_time() - begun:6.1f} CPU s", flush=True)
    print(f"failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def campaign(reader: Reader, files: int, number: int) -> tuple[int, Exception | None]:
    """Tries files; returns how many, and what a reader raised that it should not."""
    tried = 0

    @settings(max_examples=files, deadline=None, database=None, suppress_health_check=[*HealthCheck], print_blob=False)
    @seed(number)
    @given(reader.contents())
    def check(content: bytes) -> None:
        nonlocal tried
        tried += 1
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            reader.check(content, Path(folder))

    return tried_of(check, lambda: tried)


def tried_of(check: Callable[[], None], tried: Callable[[], int]) -> tuple[int, Exception | None]:
    """Runs a property; returns how many files it has tried, and how it failed."""
    try:
        check()
    except Exception as error:  # whatever a reader raises is what is looked for
        return tried(), error
    return tried(), None


def notes(error: BaseException) -> str:
    """Returns the smallest file that fails, as hypothesis notes it, and the last place in the project's code."""
    lines = [*getattr(error, "__notes__", [])]
    trace, places = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return "\n".join(["  " + line for line in [*lines, *places[-4:]]])


if __name__ == "__main__":
    raise SystemExit(main())
