"""What is measured of tunes that a network has written, beside real ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from datamodules.tunes.bars import right_bars
from datamodules.tunes.notation import NoTune, Tune
from datamodules.tunes.playing import performed
from datamodules.tunes.reading import read_tune
from datamodules.tunes.variants import plain, runs

LEAST = 8  # bars of a tune that counts: in two bars nothing goes wrong
SHOWN = 3  # keys that the table names


@dataclass
class Judgement:
    """Figures of some tunes; shares are of 1.

    Attributes:
        tunes: Number of tunes.
        readable: Share of them that are tunes at all.
        long: Number of those with at least eight bars.
        whole: Share of the long ones in which every bar is right.
        bars: Share of all bars that are right.
        copied: Share of runs of 24 symbols that training tunes have, in whatever key and unit.
        copied_to_the_letter: The same of the text as it stands, header included.
        keys: Tunes by key.
        intervals: Share of steps between notes by size: `same`, `step`, `third`, `leap` and `beyond an octave`.
        mean_bars: Mean number of bars.
    """

    tunes: int
    readable: float
    long: int
    whole: float
    bars: float
    copied: float
    copied_to_the_letter: float
    keys: Counter[str] = field(default_factory=Counter)
    intervals: dict[str, float] = field(default_factory=dict)
    mean_bars: float = 0.0

    def cells(self) -> dict[str, str]:
        """Returns figures in words, by what they are."""
        usual = ", ".join(f"{key} {count / max(1, self.tunes):.0%}" for key, count in self.keys.most_common(SHOWN))
        return {
            "tunes": f"{self.tunes:,}",
            "that can be read": f"{self.readable:.1%}",
            f"with at least {LEAST} bars": f"{self.long:,}",
            "of these, every bar right": f"{self.whole:.1%}",
            "bars right": f"{self.bars:.2%}",
            "bars of a tune": f"{self.mean_bars:.1f}",
            "runs of 24 symbols from training, in any key": f"{self.copied:.1%}",
            "runs of 24 characters from training, to the letter": f"{self.copied_to_the_letter:.1%}",
            "most frequent keys": usual,
            **{f"intervals: {name}": f"{share:.1%}" for name, share in self.intervals.items()},
        }


class Judge:
    """Compares tunes with those of training.

    Args:
        training: Training tunes as they were read.
    """

    def __init__(self, training: Iterable[Tune]) -> None:
        self.plain: set[str] = set()
        self.letters: set[str] = set()
        for tune in training:
            self.plain |= runs(plain(tune, chord_names=True))
            self.letters |= runs(tune.text)

    def judge(self, texts: Sequence[str]) -> Judgement:
        """Returns the figures of tunes, each a text with its header."""
        tunes = []
        for text in texts:
            try:
                tunes.append(read_tune(text))
            except NoTune:
                continue
        right = [right_bars(tune) for tune in tunes]
        long = [bars for bars in right if len(bars) >= LEAST]
        total = sum(map(len, right))
        return Judgement(
            tunes=len(texts),
            readable=len(tunes) / max(1, len(texts)),
            long=len(long),
            whole=sum(map(all, long)) / max(1, len(long)),
            bars=sum(map(sum, right)) / max(1, total),
            copied=_share([runs(plain(tune, chord_names=True)) for tune in tunes], self.plain),
            copied_to_the_letter=_share([runs(tune.text) for tune in tunes], self.letters),
            keys=Counter(tune.key for tune in tunes),
            intervals=intervals(tunes),
            mean_bars=total / max(1, len(tunes)),
        )


def intervals(tunes: Iterable[Tune]) -> dict[str, float]:
    """Returns how the steps from note to note are distributed, repeats not played."""
    counts = Counter({"same": 0, "step": 0, "third": 0, "leap": 0, "beyond an octave": 0})
    for tune in tunes:
        pitches = [max(note.pitches) for note in performed(tune, repeats=False) if note.pitches]
        for before, after in pairwise(pitches):
            size = abs(after - before)
            limits = ((0, "same"), (2, "step"), (4, "third"), (12, "leap"))
            counts[next((name for most, name in limits if size <= most), "beyond an octave")] += 1
    total = max(1, counts.total())
    return {name: count / total for name, count in counts.items()}


def _share(found: Sequence[set[str]], known: set[str]) -> float:
    return sum(len(each & known) for each in found) / max(1, sum(map(len, found)))
