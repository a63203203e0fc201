"""Files of sentences and their translations: two files line by line, or one of two columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from datamodules.text.table_rows import header_note, is_table
from datamodules.text.text_files import FileTexts, filled, left_out_lines, read_text, texts_of_lines

# What people call the two columns in a header.
NAMES = {
    *("source", "target", "src", "tgt", "trg", "source_text", "target_text", "source_language", "target_language"),
    *("sentence", "translation", "text", "original", "input", "output"),
    *("en", "de", "fr", "es", "it", "pt", "nl", "zh", "ja", "ko", "ru", "ar", "cs", "pl", "tr", "hi", "vi", "uk"),
    *("english", "german", "french", "spanish", "italian", "portuguese", "dutch", "chinese", "japanese", "korean"),
    *("russian", "arabic", "czech", "polish", "turkish", "hindi", "vietnamese", "ukrainian"),
}


@dataclass
class SentencePairs:
    """Sentences and their translations.

    Attributes:
        sources: The sentences, without spaces around them.
        targets: Translation of each.
        notes: Lines for the user about what was left out.
    """

    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.sources)

    def take(self, places: Sequence[int]) -> "SentencePairs":
        """Returns some of the pairs, by their places, without notes."""
        return SentencePairs([self.sources[place] for place in places], [self.targets[place] for place in places])


def read_pairs(paths: Sequence[Path], swap: bool = False) -> SentencePairs:
    """Reads pairs of sentences; a pair of which one sentence is blank is left out.

    Args:
        paths: A file of sentences and a file of their translations, line by line; or one file whose lines hold both,
            separated by a tab. Columns after the second are ignored, and a header is left out, with a note. Each can be
            gzipped.
        swap: Whether the second file or column has the sentences and the first their translations.

    Raises:
        InputError: A file cannot be read or is empty, both have different numbers of lines, a line has no second
            column, or no pair is left.
    """
    if len(paths) == 2:
        columns = [_lines(path) for path in paths]
        if len(columns[0]) != len(columns[1]):
            raise InputError(
                f"{paths[0]} has {len(columns[0]):,} lines, and {paths[1]} {len(columns[1]):,}: line by line, they "
                "are to be sentences and their translations"
            )
        header = []
    else:
        columns, header = _columns(paths[0])
    pairs, blank = SentencePairs(), []
    both = zip(*(reversed(columns) if swap else columns), strict=True)
    for number, (source, target) in enumerate(both, 1 + len(header)):
        if source.strip() and target.strip():
            pairs.sources.append(source.strip())
            pairs.targets.append(target.strip())
        else:
            blank.append(number)
    if not pairs:
        raise InputError(f"{' and '.join(map(str, paths))}: no pair of sentences in it; one of each pair is blank")
    pairs.notes = header + left_out_lines("pairs with a blank sentence", paths[0], blank)
    return pairs


def _lines(path: Path) -> list[str]:
    text = read_text(path)
    return text.removesuffix("\n").split("\n")


def _columns(path: Path) -> tuple[list[list[str]], list[str]]:
    """Returns the first two columns of a table without its header, and a line about that, if it has one."""
    columns: list[list[str]] = [[], []]
    for number, line in enumerate(_lines(path), 1):
        cells = line.split("\t") if line.strip() else ["", ""]
        if len(cells) < 2:
            raise InputError(f"{path}, line {number:,}: no tab in it, which separates a sentence and its translation")
        columns[0].append(cells[0])
        columns[1].append(cells[1])
    first = [column[0].strip() for column in columns]
    if len(columns[0]) < 2 or first[0] == first[1] or not {name.lower() for name in first} <= NAMES:
        return columns, []
    return [column[1:] for column in columns], [header_note(path, (1, first))]


def texts_of_file(path: Path, place: int) -> FileTexts:
    """Returns the texts of a file that is to be translated: its lines, or of a `.tsv` file with tabs one column.

    Args:
        path: The file.
        place: The column, 0 or 1.

    Raises:
        InputError: The file cannot be read or is empty, or a line has no tab, and others have.
    """
    if not is_table(path, ".tsv") or not any("\t" in line for line in _lines(path)):
        return texts_of_lines(path)
    columns, header = _columns(path)
    return filled(path, enumerate(map(str.strip, columns[place]), 1 + len(header)), "blank lines", header)
