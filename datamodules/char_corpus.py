"""A text as a sequence of characters: Anna Karenina, Shakespeare's plays, or your own file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.indices import evenly_spaced_indices
from core.predictions import TEXT, PredictionTable, as_paragraphs
from core.protocols.passages import Passages, cut
from core.terminal.console import print_line
from datamodules.base.data_module import Source
from datamodules.base.sizes import check_least
from datamodules.text.corpora import CORPORA, corpus_file
from datamodules.text.gutenberg import without_frame
from datamodules.text.language_data_module import LanguageDataModule, check_split_shares
from datamodules.text.rows import RowLoader, Rows, WindowLoader
from datamodules.text.synthetic import synthetic_corpus
from datamodules.text.text_files import read_text, whole_texts
from datamodules.text.vocabulary import Vocabulary

PRIME = 50  # characters of the validation text that a sample continues, unless another beginning is given
SYNTHETIC = 300_000  # characters


class CharCorpusDataModule(LanguageDataModule):
    """A text, split into parts, and read in pieces of some characters.

    In `rows` the training text is cut into as many rows as a batch has; all rows are read from left to right, one piece
    per step, and a model can carry its state from piece to piece (truncated back-propagation through time). In
    `windows` pieces start at random positions, and the model starts each with an empty state. Validation and test are
    always read in rows.

    The vocabulary is the set of characters of the whole text.

    Args:
        data_dir: Folder of the named corpora; downloads are saved there.
        source: `auto` for a real text; `synthetic` for generated sentences of a small grammar, without a download.
        corpus: Which named corpus.
        file: Your own text file, in UTF-8, instead of a named corpus.
        newlines: `translate` converts every kind of line end to a newline, as Python does; `keep` keeps them.
        gutenberg: `cut` leaves out what Project Gutenberg puts before and behind a book, most of it its licence; `keep`
            reads that as text, as published experiments did.
        split: How the text is split: into consecutive parts (`position`), or the last columns of each row are used for
            validation (`columns`: spread over the whole text, as published for character RNNs).
        val_share: Share of the text used for validation; 0 trains on all.
        test_share: Share of the text used for the test; 0 in `columns`.
        reading: How the training text is read.
        batch_size: Pieces per optimizer step, on all devices together.
        steps: Characters per piece.
        eval_batch_size: Rows that validation and test texts are cut into with `split: position`; a model starts each
            row with an empty state, so that fewer rows take longer and give slightly better results.
        vocabulary: A run's `vocabulary.json`, or the run's folder, whose symbols are used instead of the text's own.
    """

    unit = "characters"
    stand_in = "sentences"
    own_file = "--data.file {path}"
    paths = (*LanguageDataModule.paths, "file")
    cut_by = ("batch_size", "eval_batch_size")
    changeable = ("data_dir", "file")
    learned = "characters"
    splits: dict[str, Rows]

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        corpus: Literal["anna", "shakespeare"] = "anna",
        file: str | None = None,
        newlines: Literal["translate", "keep"] = "translate",
        gutenberg: Literal["keep", "cut"] = "keep",
        split: Literal["position", "columns"] = "position",
        val_share: float = 0.05,
        test_share: float = 0.05,
        reading: Literal["rows", "windows"] = "rows",
        batch_size: int = 100,
        steps: int = 100,
        eval_batch_size: int = 20,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        check_least(1, steps=steps)
        check_split_shares(val_share, test_share, "text")
        if split == "columns" and (test_share or reading == "windows"):
            what, other = (f"test_share is {test_share:g}", 0) if test_share else ("reading is windows", "rows")
            why = f"data.split columns has rows, and no test part; set it to {other}, or split by position"
            raise InputError(f"data.{what}: {why}")
        self.corpus = CORPORA[corpus]
        self.file = None if file is None else from_home(file)
        self.name = self.corpus.name if file is None else self.file.name
        if source == "auto":
            self.origin = str(self.file or self.data_dir / self.corpus.file)
        self.newlines = newlines
        self.gutenberg = gutenberg
        self.split = split
        self.val_share = val_share
        self.test_share = test_share
        self.reading = reading
        self.steps = steps
        self._vocabulary = None if vocabulary is None else Vocabulary.load(Path(vocabulary))

    def load(self) -> dict[str, Rows]:
        """Reads the text and splits it.

        Raises:
            InputError: It is missing, empty, not UTF-8 or too short, or has a symbol that the vocabulary lacks.
        """
        if self.source == "synthetic":
            text = self.synthesize()
        else:
            path = self.file or corpus_file(self.corpus, self.data_dir)
            text = self._book_of(read_text(path, translate_newlines=self.newlines == "translate"))
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(sorted(set(text)))
        symbols = self.vocabulary.encode(text)
        return self._in_columns(symbols) if self.split == "columns" else self._in_places(symbols)

    def synthesize(self) -> str:
        """Generates sentences instead of the text."""
        return synthetic_corpus(SYNTHETIC, seed=1)

    def _book_of(self, text: str) -> str:
        """Returns a text with or without Project Gutenberg's words around it, and says how many characters they are."""
        book = without_frame(text)
        if frame := len(text) - len(book):
            what = f"{frame:,} of {len(text):,} characters in {self.origin} are Project Gutenberg's, around the book"
            cut = self.gutenberg == "cut"
            print_line(f"skipped  {what}" if cut else f"note     {what}; --data.gutenberg cut leaves them out")
        return book if self.gutenberg == "cut" else text

    def _in_places(self, symbols: Tensor) -> dict[str, Rows]:
        n = len(symbols)
        ends = [round(n * (1 - self.val_share - self.test_share)), round(n * (1 - self.test_share)), n]
        train, val, test = (symbols[begin:end] for begin, end in zip([0, *ends], ends, strict=False))
        rows = 1 if self.reading == "windows" else self.batch_size
        parts = {"train": Rows.cut(train, rows)}
        needed = (self.batch_size + 1) * self.steps if self.reading == "windows" else self.batch_size * self.steps
        self._check(len(train) - 1, n, needed)
        for part, text in (("val", val), ("test", test)):
            # fewer rows for a short text: the first characters of a row have no context
            parts[part] = Rows.cut(text, min(self.eval_batch_size, max(1, len(text) // self.steps)))
        return parts

    def _in_columns(self, symbols: Tensor) -> dict[str, Rows]:
        # as published: only complete batches, of which the last tenth is for validation
        batches = (len(symbols) - 1) // (self.batch_size * self.steps)
        rows = Rows.cut(symbols[: batches * self.batch_size * self.steps + 1], self.batch_size)
        border = round(batches * (1 - self.val_share)) * self.steps
        parts = {"train": Rows(rows.symbols[:, : border + 1]), "val": Rows(rows.symbols[:, border:])}
        learned = len(parts["train"]) if batches else len(symbols) - 1
        self._check(learned, len(symbols), self.batch_size * self.steps)
        return parts | {"test": Rows(rows.symbols[:, :0])}

    def _check(self, learned: int, total: int, needed: int) -> None:
        """Checks that a text is long enough.

        Args:
            learned: How many of its characters are predicted in training, before any are left out of a last step.
            total: How many it has.
            needed: How many a step predicts.

        Raises:
            InputError: It is too short for one step.
        """
        if learned < needed:
            raise InputError(
                f"{self.origin}: has {total:,} characters, {max(0, learned):,} of them to train on, and a step takes "
                f"{needed:,}; lower data.batch_size or data.steps"
            )

    def train_dataloader(self) -> RowLoader | WindowLoader:
        """Returns the loader of the training text, at the batch at which a resumed run continues."""
        self.check_shares()
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        rows = self.splits["train"]
        if self.reading == "rows":
            loader = RowLoader(rows, self.steps, True, rank, world_size)
        else:
            seed = self.trainer.seed
            loader = WindowLoader(rows.symbols[0], self.steps, self.batch_size, seed, rank, world_size)
        return self.resumed(self.keep("train", loader))

    def val_dataloader(self) -> RowLoader | list:
        """Returns the loader of the validation text; an empty list, which Lightning skips, if there is none."""
        return self._rows("val") if len(self.splits["val"]) else []

    def test_dataloader(self) -> RowLoader:
        """Returns the loader of the test text.

        Raises:
            InputError: There is none.
        """
        if not len(self.splits["test"]):
            raise InputError(
                f"data.test_share is 0{' in data.split columns' if self.split == 'columns' else ''}: no text is left "
                "to test on; validate measures on the validation text"
            )
        return self._rows("test")

    def _rows(self, part: str) -> RowLoader:
        rows = self.splits[part]
        self.check_enough(len(rows.symbols), f"rows of the {part} text")
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        return self.keep(part, RowLoader(rows, self.steps, False, rank, world_size))

    def first_prime(self) -> str:
        """Returns the beginning of the validation text, or of the training text if there is none."""
        part = next(part for part in ("val", "train") if len(self.splits[part]))
        return self.decode(self.splits[part].symbols[0, :PRIME])

    def sample(self, n: int) -> Tensor:
        """Returns n pieces of the training text, at evenly spaced positions, int64 [n, T + 1]."""
        pieces = self.splits["train"].symbols.flatten().unfold(0, self.steps + 1, 1)
        return pieces[evenly_spaced_indices(len(pieces), n)].long()

    def passages(self, part: str, count: int, length: int) -> Passages:
        """Returns up to `count` passages of a part, evenly spaced and of at most `length` symbols."""
        rows = self.splits[part].symbols
        length = min(length, rows.shape[1])
        return self._shown(cut(rows[:, : rows.shape[1] // max(1, length) * length].flatten(), count, length).long())

    def passages_of(self, inputs: Sequence[str], count: int, length: int) -> Passages:
        """Returns passages of texts that a user gives, one line behind the other, at least two if they are so long."""
        text = "\n".join(whole_texts(inputs)).replace("\n", "\n" if "\n" in self.symbols else "")
        return self._shown(cut(torch.tensor(self.encode(text)), count, min(length, len(text) // 2)))

    def _shown(self, symbols: Tensor) -> Passages:
        return Passages(symbols, [[self.symbols[number] for number in row] for row in symbols.tolist()])

    def prediction_endings(self) -> tuple[str, ...]:
        """Returns the endings of a table, and of the texts alone."""
        return (*super().prediction_endings(), TEXT)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of the primes and their continuations.

        Args:
            names: The primes.
            outputs: Symbols of the continuations, int64 [N, L].
        """
        texts = [prime + self.decode(symbols) for prime, symbols in zip(names, outputs, strict=True)]
        forms = {TEXT: lambda: as_paragraphs(texts)}
        return PredictionTable(("prime", "text"), list(zip(names, texts, strict=True)), "last_column", forms=forms)

    def encode(self, text: str) -> list[int]:
        """Returns the symbols of a prime; any symbol for an empty one.

        Raises:
            InputError: One is not in the vocabulary.
        """
        return self.vocabulary.ids(text) or [0]

    def decode(self, symbols: Tensor) -> str:
        """Returns the text of symbols [N]."""
        return "".join(self.vocabulary.symbols[number] for number in symbols.tolist())
