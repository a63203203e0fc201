"""Tunes that a network has written after a test: how they are measured, and their files."""

from collections.abc import Iterator, Sequence

from core.measures import Measure
from core.media import Medium, Table
from datamodules.tunes.judging import Judge, Judgement
from datamodules.tunes.notation import Tune
from datamodules.tunes.rendering import shown

MEASURES = (
    Measure("note_loss", "min", unit="nats a note"),
    Measure("whole", "max", unit="%", digits=1, words="tunes of eight bars or more with every bar right"),
    Measure("whole_by_clock", "max", unit="%", digits=1, words="the same, written with the bar clock"),
    Measure("copied", "min", unit="%", digits=2, words="runs of 24 characters from training"),
)
FILES = 4  # tunes of each kind that are drawn and played


class WrittenTunes:
    """Tunes of two kinds, freely written and by the bar clock, beside real ones.

    Args:
        free: Texts of tunes.
        clocked: Texts of tunes that were written with the bar clock.
        training: Training tunes.
        test: Test tunes.
    """

    def __init__(self, free: Sequence[str], clocked: Sequence[str], training: Sequence[Tune], test: Sequence[Tune]):
        self.texts = {"written": free, "by_clock": clocked}
        judge = Judge(training)
        real = [tune.text for tune in test]
        self.judgements: dict[str, Judgement] = {
            "real test tunes": judge.judge(real),
            "written": judge.judge(free),
            "written with the bar clock": judge.judge(clocked),
        }

    def values(self) -> dict[str, float]:
        """Returns values by measure."""
        free = self.judgements["written"]
        clocked = self.judgements["written with the bar clock"]
        return {"whole": free.whole, "whole_by_clock": clocked.whole, "copied": free.copied_to_the_letter}

    def media(self, step: int) -> Iterator[Medium]:
        """Gives a table of all figures, and the first tunes as files."""
        columns = {name: judgement.cells() for name, judgement in self.judgements.items()}
        figures = next(iter(columns.values()))
        rows = [(figure, *(cells[figure] for cells in columns.values())) for figure in figures]
        yield Table(name="tunes/figures", step=step, header=("of the tunes", *columns), rows=rows)
        first = {
            f"tunes/{kind}_{number}": text
            for kind, texts in self.texts.items()
            for number, text in enumerate(texts[:FILES], 1)
        }
        yield from shown(first, step)
