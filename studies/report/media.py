"""What the runs drew and wrote, put into the page: runs side by side for each medium, as far as there is room."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.files.input_files import is_within
from core.metric_rows import NAME
from core.pages.pictures import data_url, small_copy
from core.run_layout import CHECKPOINTS
from studies.report.groups import Group
from studies.report.reported import ReportedRun

MOST_BYTES = 2_800_000  # of all media, as the page holds them
MOST_PICTURES = 60
MOST_RUNS = 12  # of which a medium is shown
MOST_MEDIA = 24  # different ones
MOST_OF_FOLDER = 6  # files of a folder within a run's
LARGE, SMALL = 900, 420  # pixels of a picture's longer side, if there are few of them or many
FEW = 8
MOST_SOUND = 400_000  # bytes of a file
MOST_CHARACTERS = 4000  # of a text, whose end is shown: texts of runs are written epoch after epoch
MOST_LINES, MOST_CELLS = 12, 8  # of a table
MOST_READ = 1_000_000  # characters of a table, whose rows are counted
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
LEFT_OUT = (NAME, "curves.png")  # which the page draws itself
OF_NOBODY = (CHECKPOINTS, "tensorboard", "wandb")  # folders without media


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A run's medium.

    Attributes:
        run: The run's label.
        picture: A data URL; empty for what is none.
        sound: A data URL; empty for what is none.
        text: A text; empty for what is none.
        header: Names of a table's columns; empty for what is none.
        rows: Its rows.
        note: What is left out of it.
    """

    run: str
    picture: str = ""
    sound: str = ""
    text: str = ""
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class MediumOfRuns:
    """One medium of several runs.

    Attributes:
        name: Name of its file.
        shown: The runs' ones, those of the best groups first.
        left_out: How many runs more have it.
    """

    name: str
    shown: list[Shown]
    left_out: int


def media(groups: Sequence[Group]) -> list[MediumOfRuns]:
    """Returns the runs' media: of each group a run, and of the best one all, as far as there is room.

    Args:
        groups: The groups, the best first.
    """
    files: dict[str, list[tuple[str, Path]]] = {}
    for label, run in _in_turn(groups):
        for path in _files(run.path):
            files.setdefault(path.relative_to(run.path).as_posix(), []).append((label, path))
    names = sorted(files, key=lambda name: (_kind(name), name))[:MOST_MEDIA]
    pictures = sum(min(len(files[name]), MOST_RUNS) for name in names if _kind(name) == 0)
    side = LARGE if pictures <= FEW else SMALL
    room, found = Room(), []
    for name in names:
        shown = []
        for label, path in files[name][:MOST_RUNS]:
            one = _show(label, path, side, room)
            if one is not None:
                shown.append(one)
        if shown:
            found.append(MediumOfRuns(name=name, shown=shown, left_out=len(files[name]) - len(shown)))
    return found


class Room:
    """How much room is left in the page."""

    def __init__(self) -> None:
        self.bytes, self.pictures = MOST_BYTES, MOST_PICTURES

    def take(self, size: int, pictures: int = 0) -> bool:
        """Takes some; returns whether there was enough."""
        if size > self.bytes or pictures > self.pictures:
            return False
        self.bytes, self.pictures = self.bytes - size, self.pictures - pictures
        return True


def _in_turn(groups: Sequence[Group]) -> Iterator[tuple[str, ReportedRun]]:
    """Yields the first run of each group, then the second of each, with words that tell them from each other."""
    for place in range(max((len(one.runs) for one in groups), default=0)):
        for one in groups:
            if place < len(one.runs):
                run = one.runs[place]
                yield one.label if len(one.runs) == 1 else f"{one.label} seed={run.seed}", run


def _files(run: Path) -> list[Path]:
    """Returns the files of a run's folder that are media, and some of those in folders below it that can be read."""
    found = [path for path in _media_in(run, run) if path.name not in LEFT_OUT]
    for folder in _entries(run):
        if folder.name not in OF_NOBODY and not folder.name.startswith("."):
            found += _media_in(folder, run)[:MOST_OF_FOLDER]
    return found


def _media_in(folder: Path, run: Path) -> list[Path]:
    try:
        return [path for path in _entries(folder) if _kind(path.name) < 4 and path.is_file() and is_within(path, run)]
    except OSError:  # a folder whose files can be listed, and not looked at
        return []


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _kind(name: str) -> int:
    """Returns the place of a kind of media in the page: pictures, sounds, texts, tables; 4 for none."""
    ending = Path(name).suffix.lower()
    kinds = [*dict.fromkeys(PICTURES, 0).items(), (".wav", 1), (".txt", 2), (".csv", 3)]
    return dict(kinds).get(ending, 4)


def _show(label: str, path: Path, side: int, room: Room) -> Shown | None:
    """Returns a medium; None if there is no room for it, or it cannot be read."""
    kind = _kind(path.name)
    try:
        if kind == 0:
            if not room.take(0, pictures=1):
                return None
            url = small_copy(path, side)
            return Shown(run=label, picture=url) if url and room.take(len(url)) else None
        if kind == 1:
            size = path.stat().st_size
            fits = size <= MOST_SOUND and room.take(size * 4 // 3)
            return Shown(run=label, sound=data_url(path.read_bytes(), "audio/wav")) if fits else None
        return _table(label, path, room) if kind == 3 else _text(label, path, room)
    except OSError:
        return None


def _text(label: str, path: Path, room: Room) -> Shown | None:
    """Returns the end of a text."""
    most = 4 * (MOST_CHARACTERS + 1)  # bytes of so many characters and of a part of one, at which reading may begin
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        text = file.read(most).decode(errors="replace").replace("\r\n", "\n")
    cut = text[-MOST_CHARACTERS:]
    note = "" if cut == text else f"the last {MOST_CHARACTERS:,} characters"
    return Shown(run=label, text=cut, note=note) if cut.strip() and room.take(len(cut)) else None


def _table(label: str, path: Path, room: Room) -> Shown | None:
    """Returns the beginning of a table."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text, is_whole = file.read(MOST_READ), not file.read(1)
    try:
        lines = list(csv.reader(io.StringIO(text)))
    except csv.Error:
        return None
    if len(lines) < 2:
        return None
    header, *rows = [[cell[:300] for cell in line[:MOST_CELLS]] for line in lines[: 1 + MOST_LINES]]
    of = f" of {len(lines) - 1:,}" if is_whole else ""
    note = f"the first {len(rows)}{of} rows" if len(lines) - 1 > len(rows) or not is_whole else ""
    size = sum(len(cell) + 10 for row in [header, *rows] for cell in row)
    return Shown(run=label, header=header, rows=rows, note=note) if room.take(size) else None
