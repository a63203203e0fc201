"""Tunes read from ABC and MIDI files, and from folders of them; what cannot be read is counted and named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from core.files.input_files import read_file
from core.predictions import excerpt
from core.terminal.printable import first_of
from datamodules.tunes.bars import right_bars
from datamodules.tunes.midi import read_midi
from datamodules.tunes.notation import NoTune, Tune
from datamodules.tunes.reading import goes_on_behind, read_tune

NOTTINGHAM = "nottingham.abc"
HOME = "https://ifdo.ca/~seymour/nottingham/nottingham.html"
ABC = (".abc", ".abc.gz", ".abc.txt")
MIDI = (".mid", ".midi")
NAMED = 3  # tunes or files that a line names
NAME = 40  # characters of a tune's name in a line


@dataclass
class Collection:
    """Tunes, and lines for the user about what was left out.

    Attributes:
        tunes: The tunes.
        broken: Names of tunes that cannot be read, with the reason.
        cut: Names of tunes with music behind the empty line that ends them.
        others: Names of files that are no tunes.
        notes: Lines about MIDI files with several tracks.
    """

    tunes: list[Tune] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Returns lines for the user: what was left out, and how many bars are not as long as their metre says."""
        lines = []
        if self.broken:
            lines.append(f"skipped  tunes that cannot be read: {_named(self.broken)}")
        if self.cut:
            lines.append(
                f"skipped  music behind an empty line, which ends a tune: that of {_named(self.cut)}; take such lines "
                "out if it belongs to the tune"
            )
        if self.others:
            lines.append(f"skipped  files that are neither ABC nor MIDI: {_named(self.others)}")
        if self.notes:
            lines.append(f"note     MIDI with several tracks: {_named(self.notes)}")
        right = [right_bars(tune) for tune in self.tunes]
        wrong = [tune.title for tune, bars in zip(self.tunes, right, strict=True) if not all(bars)]
        if wrong:
            bars = sum(len(bars) - sum(bars) for bars in right)
            total = sum(map(len, right))
            lines.append(f"note     bars longer or shorter than their metre: {bars:,} of {total:,}, in {_named(wrong)}")
        return lines


def read_collection(path: Path) -> Collection:
    """Reads an ABC file of any number of tunes, a MIDI file, or a folder of these.

    Raises:
        InputError: It is missing, cannot be read, or has no tunes.
    """
    collection = Collection()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not _is_hidden(file, path))
        for file in files:
            if file.name.lower().endswith(ABC + MIDI):
                _read(file, collection)
            else:
                collection.others.append(str(file.relative_to(path)))
        if not collection.tunes and not collection.broken:
            raise InputError(f"{path}: no tunes in this folder; tunes are files that end in .abc or .mid")
    elif not path.exists():
        raise InputError(f"{path}: no such file or folder")
    else:
        _read(path, collection)
    if not collection.tunes:
        what = f"none of its tunes can be read: {_named(collection.broken)}" if collection.broken else "no tunes in it"
        raise InputError(f"{path}: {what}; a tune has the fields X: and K:")
    return collection


def nottingham(data_dir: Path) -> Path:
    """Returns the file of the Nottingham collection.

    Raises:
        InputError: It is missing.
    """
    path = data_dir / NOTTINGHAM
    if not path.is_file():
        raise InputError(
            f"no {NOTTINGHAM} in {data_dir}: put the ABC files of {HOME} into it, as one file; or give your own tunes "
            "with --data.file, or --data.source synthetic"
        )
    return path


def split_tunes(text: str) -> Iterator[str]:
    """Gives the tunes of an ABC file; each begins with a field `X:`, unless there is none."""
    text = re.sub(r"\r+\n|\r", "\n", text)  # also of files whose line ends were made twice
    pieces = re.split(r"(?m)^(?=X:)", text)
    yield from pieces[1:] if len(pieces) > 1 else (piece for piece in pieces if piece.strip())


def _read(path: Path, collection: Collection) -> None:
    if path.name.lower().endswith(MIDI):
        try:
            tune, note = read_midi(path)
            collection.tunes.append(tune)
            collection.notes += [f"{path.name}, {note}"] if note else []
        except NoTune as reason:
            collection.broken.append(f"{path.name}: {reason}")
        return
    content = read_file(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # as most collections of the last century are; it is only titles
    for number, piece in enumerate(split_tunes(text), 1):
        title = re.search(r"(?m)^T:(.*)$", piece)
        name = excerpt(title[1] if title else f"{path.name}, tune {number}", NAME)
        try:
            collection.tunes.append(read_tune(piece))
        except NoTune as reason:
            collection.broken.append(f"{name}: {reason}")
            continue
        if goes_on_behind(piece):
            collection.cut.append(name)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _named(names: list[str]) -> str:
    return f"{len(names):,} ({first_of(names, NAMED, '; ', lambda name: excerpt(name, 2 * NAME))})"
