"""TensorBoard's files of a resumed run, in which no step appears twice."""

from collections.abc import Sequence
from pathlib import Path

from pytorch_lightning.loggers import Logger, TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from core.files.atomic_files import replacing


def cut_events(folder: Path, step: int, writers: Sequence[Logger] = ()) -> None:
    """Removes from TensorBoard's files of a run the steps after its checkpoint, which the resumed run repeats.

    Args:
        folder: Folder of the files; it need not exist.
        step: The checkpoint's step.
        writers: Loggers of the resumed run, whose own files are left alone.

    Raises:
        RunFailed: A file cannot be written.
    """
    own = {_file_of(logger) for logger in writers if isinstance(logger, TensorBoardLogger)}
    files = sorted(path for path in folder.glob("events.out.tfevents.*") if path.name not in own)
    if not files:
        return
    # these take a second, which a start need not wait for
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    def is_kept(record: bytes) -> bool:
        event = Event.FromString(record)
        return not (event.HasField("summary") or event.graph_def) or event.step <= step

    for path in files:
        if all(map(is_kept, RawEventFileLoader(str(path)).Load())):  # ends before a record that a kill has cut
            continue
        with replacing(path) as temporary, open(temporary, "wb") as file:
            writer = RecordWriter(file)
            for record in filter(is_kept, RawEventFileLoader(str(path)).Load()):
                writer.write(record)


def _file_of(logger: TensorBoardLogger) -> str:
    """Returns the name of the file that a logger writes."""
    return Path(logger.experiment._get_file_writer().event_writer._file_name).name  # neither library tells it


def flush_boards(loggers: Sequence[Logger]) -> None:
    """Writes to the disk what TensorBoard has received, so that a kill loses nothing from before a checkpoint.

    Args:
        loggers: The loggers of a trainer.
    """
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger) and rank_zero_only.rank == 0:
            logger.experiment.flush()
