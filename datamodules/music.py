"""Tunes to learn and to write: the Nottingham collection, or your own ABC and MIDI files."""

from pathlib import Path
from typing import Any, Literal

from core.errors import InputError
from core.files.home import from_home
from core.terminal.console import print_line
from core.terminal.printable import counted
from datamodules.base.data_module import Source
from datamodules.base.sizes import check_least
from datamodules.base.split import PARTS
from datamodules.text.language_data_module import check_split_shares
from datamodules.tunes.bars import right_bars
from datamodules.tunes.files import nottingham, read_collection
from datamodules.tunes.language import TuneLanguage
from datamodules.tunes.loader import TuneRows, Tunes, WholeTunes
from datamodules.tunes.marks import SIZES, WORDS
from datamodules.tunes.notation import Tune
from datamodules.tunes.spelling import Spelling
from datamodules.tunes.symbols import Symbols, as_learned, read_vocabulary, vocabulary_of
from datamodules.tunes.synthetic import synthetic_tunes
from datamodules.tunes.transposition import Keys, tokens_in_keys, wanted_keys
from datamodules.tunes.variants import split
from datamodules.tunes.written import MEASURES

SYNTHETIC = 300  # tunes


class MusicDataModule(TuneLanguage):
    """Tunes with one voice, in ABC notation without layout, titles and ornaments.

    The tunes are split so that variants of one tune are in one part. To train, they are strung together, in another
    order and other keys in each epoch, and read in rows, with a model's state carried from piece to piece. In
    validation and test each tune is read by itself, in its own key. Losses are in nats a character of the tidied ABC
    text, whatever the symbols are, so that they can be compared.

    Args:
        data_dir: Folder of the Nottingham collection, `nottingham.abc`.
        source: `auto` for real tunes; `synthetic` for tunes that are made by rules.
        file: An ABC file, a MIDI file of a melody, or a folder of such files, instead of the Nottingham collection.
        symbols: What a network reads and writes: `characters`, or `tokens` of ABC (fields, notes, durations in eighths,
            chord names, bar lines).
        transpose: Keys of the training tunes, drawn for each tune in each epoch: its own (`none`), one of the twelve of
            its mode (`all`), or of these in proportion to the keys of the training tunes (`usual`).
        broken_bars: Whether training tunes with bars of a wrong length are kept (`keep`) or left out (`drop`).
        val_share: Share of the tunes used for validation; 0 trains on all.
        test_share: Share of the tunes used for the test.
        split_seed: Seed of the split, which is the same in runs of every seed.
        batch_size: Rows that are read side by side, on all devices together.
        steps: Symbols of a row per optimizer step.
        eval_batch_size: Tunes per batch in validation and test; affects only speed.
        bar_clock: Whether tunes are written with a bar clock: symbols with which a bar would be too long or too short
            are not chosen.
        bar_marks: Whether a network is told with each symbol where in its bar, and in which bar of its section, the
            tune is after it.
        written: Number of tunes that a network writes in `test`, freely and as many with the bar clock, which are
            measured beside real ones; none if 0.
        vocabulary: A run's `vocabulary.json`, or the run's folder, whose symbols are used instead of the tunes' own.
    """

    unit = "symbols"
    stand_in = "tunes"
    own_file = "--data.file {path}"
    paths = (*TuneLanguage.paths, "file")
    changeable = (*TuneLanguage.changeable, "file", "bar_clock", "written")

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        file: str | None = None,
        symbols: Symbols = "tokens",
        transpose: Keys = "usual",
        broken_bars: Literal["keep", "drop"] = "keep",
        val_share: float = 0.1,
        test_share: float = 0.1,
        split_seed: int = 0,
        batch_size: int = 32,
        steps: int = 128,
        eval_batch_size: int = 20,
        bar_clock: bool = False,
        bar_marks: bool = False,
        written: int = 100,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        check_least(1, steps=steps)
        check_least(0, written=written)
        check_split_shares(val_share, test_share, "tunes")
        self.file = None if file is None else from_home(file)
        self.name = "Nottingham tunes" if file is None else self.file.name
        self.kind = symbols
        self.transpose = transpose
        self.broken_bars = broken_bars
        self.shares = val_share, test_share
        self.split_seed = split_seed
        self.steps = steps
        self.bar_clock = bar_clock
        self.bar_marks = bar_marks
        self.mark_sizes, self.mark_words = (SIZES, WORDS) if bar_marks else ((), "")
        self.written = written
        self.text_measures = MEASURES if written else ()
        self.tunes = {}
        if vocabulary is not None:
            self._vocabulary, self._tokens = read_vocabulary(Path(vocabulary), symbols)

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the content of `vocabulary.json`: the symbols, and the tokens that the bar clock knows."""
        return super().vocabulary_content() | {"kind": self.kind, "tokens": list(self._tokens)}

    def load(self) -> dict[str, Tunes]:
        """Reads the tunes, splits them, and transposes those to train on.

        Raises:
            InputError: They are missing or too few, or none can be read.
        """
        tunes = self._read()
        places = split(tunes, *self.shares, self.split_seed)
        self.tunes = {part: [tunes[place] for place in places[part]] for part in places}
        if self.broken_bars == "drop":
            whole = [tune for tune in self.tunes["train"] if all(right_bars(tune))]
            print_line(f"skipped  training tunes with broken bars: {len(self.tunes['train']) - len(whole):,}")
            self.tunes["train"] = whole
        learned = {part: [as_learned(tune, self.kind) for tune in self.tunes[part]] for part in self.tunes}
        shifts, weights = wanted_keys(learned["train"], self.transpose)
        tokens = tokens_in_keys(learned["train"], shifts, weights)
        every = tokens.union(*(tune.tokens for part in ("val", "test") for tune in learned[part]))
        if self._vocabulary is None:
            self._tokens = sorted(tokens)
            self._vocabulary = vocabulary_of(every, self._tokens if self.kind == "tokens" else ())
        spelling = Spelling(every, shifts, self.vocabulary, self.kind)
        parts = {}
        for part in PARTS:
            characters = [len(tune.text) + 1 for tune in self.tunes[part]]
            wanted = weights if part == "train" else None
            parts[part] = Tunes(learned[part], characters, spelling, wanted, self.bar_marks)
        if len(parts["train"]) < self.batch_size * self.steps:
            raise InputError(
                f"{self.origin}: has {len(parts['train']):,} symbols to train on, and a step takes "
                f"{self.batch_size * self.steps:,}; lower data.batch_size or data.steps"
            )
        return parts

    def _read(self) -> list[Tune]:
        if self.source == "synthetic":
            return synthetic_tunes(SYNTHETIC, seed=1)
        path = self.file or nottingham(self.data_dir)
        collection = read_collection(path)
        for line in collection.lines():
            print_line(line)
        self.origin = f"{path} ({counted(len(collection.tunes), 'tune')})"
        return collection.tunes

    def train_dataloader(self) -> TuneRows:
        """Returns the loader of the training tunes, at the batch at which a resumed run continues."""
        self.check_shares()
        rank, world_size, seed = self.trainer.global_rank, self.trainer.world_size, self.trainer.seed
        loader = TuneRows(self.splits["train"], self.batch_size, self.steps, seed, rank, world_size)
        return self.resumed(self.keep("train", loader))

    def val_dataloader(self) -> WholeTunes | list:
        """Returns the loader of the validation tunes; an empty list, which Lightning skips, if there are none."""
        return self._whole("val") if len(self.splits["val"]) else []

    def test_dataloader(self) -> WholeTunes:
        """Returns the loader of the test tunes.

        Raises:
            InputError: There are none.
        """
        if not len(self.splits["test"]):
            raise InputError(
                "data.test_share is 0: no tunes are left to test on; validate measures on those of validation"
            )
        return self._whole("test")

    def _whole(self, part: str) -> WholeTunes:
        tunes = self.splits[part]
        self.check_enough(len(tunes.lengths), f"{part} tunes")
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        return self.keep(part, WholeTunes(tunes, self.eval_batch_size, rank, world_size))
