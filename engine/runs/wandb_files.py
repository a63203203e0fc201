"""Files of Weights & Biases in a run's folder, which a run that goes on offline has to read itself.

Online its server knows the steps of a run. Offline each process writes a file of its own, and the server gets them one
after the other: they must count on, and none may hold what a later one holds again.
"""

import glob
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import RunFailed

if TYPE_CHECKING:
    from wandb.proto.wandb_internal_pb2 import Record

HEADER = b":W&B\xe1\xbe\x00"  # with the format's version, the last byte
BLOCK = 32768  # bytes
WHOLE, LAST = 1, 4  # kinds of pieces that end a record
STEP = "trainer/global_step"  # as Lightning's logger names it


def read_records(path: Path) -> "Iterator[tuple[int, Record]]":
    """Reads a file up to its end, or to a record that a kill has cut (LevelDB's log format).

    Args:
        path: The file; one of another format has no records.

    Yields:
        The byte at which a record begins, and the record.
    """
    from google.protobuf.message import DecodeError  # with W&B alone
    from wandb.proto.wandb_internal_pb2 import Record

    content = path.read_bytes()
    place, begin, pieces = len(HEADER), None, b""
    while content.startswith(HEADER) and place + 7 <= len(content):
        if (left := BLOCK - place % BLOCK) < 7:  # too little for the header of a piece
            place += left
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        if not WHOLE <= kind <= LAST or place + 7 + length > len(content):
            return
        begin = place if begin is None else begin
        pieces += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (WHOLE, LAST):
            try:
                yield begin, Record.FromString(pieces)
            except DecodeError:
                return
            begin, pieces = None, b""


def next_step(folder: Path, run_id: str, kept: int | None) -> int:
    """Finds where the count of a run goes on, after what it will go through again is removed.

    A file that has been sent stays as it is: the server has it already.

    Args:
        folder: The run's folder.
        run_id: The run's id.
        kept: Optimizer steps of the checkpoint it goes on from, -1 if it begins again; None removes nothing.

    Returns:
        The next of W&B's own steps, 0 if there is none yet.

    Raises:
        RunFailed: A file cannot be read or shortened.
    """
    step = 0
    for path in sorted((folder / "wandb").glob(f"*run-*-{glob.escape(run_id)}/run-{glob.escape(run_id)}.wandb")):
        is_sent = not path.parent.name.startswith("offline-") or path.with_name(f"{path.name}.synced").exists()
        try:
            for begin, record in read_records(path):
                if not record.HasField("history"):
                    continue
                if kept is not None and not is_sent and _optimizer_steps(record) > kept:
                    os.truncate(path, begin)
                    break
                step = max(step, record.history.step.num + 1)
        except OSError as error:
            raise RunFailed(f"{path}: could not be continued ({error.strerror})") from error
    return step


def _optimizer_steps(record: "Record") -> int:
    """Returns after how many optimizer steps something was logged; W&B gives each entry the last one it received."""
    values = [item.value_json for item in record.history.item if STEP in (item.key, *item.nested_key)]
    return int(float(values[0])) if values else 0
