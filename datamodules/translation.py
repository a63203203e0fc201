"""Sentences and their translations: Multi30k (Elliott et al., 2016), or your own files in common formats."""

from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from core.errors import InputError
from core.predictions import TEXT, PredictionTable, as_lines
from core.terminal.console import print_line
from datamodules.base.data_module import Source
from datamodules.base.sizes import check_least
from datamodules.base.split import PARTS
from datamodules.batches import PairBatch
from datamodules.pairs.batch_count import CountsBatches
from datamodules.pairs.encoder import PairEncoder
from datamodules.pairs.files import SentencePairs, read_pairs, texts_of_file
from datamodules.pairs.multi30k import NAME, multi30k
from datamodules.pairs.pairs import PairLoader, Pairs
from datamodules.pairs.pieces import PairEncoding
from datamodules.pairs.splits import check_parts, number_pairs, split_pairs
from datamodules.pairs.synthetic import synthetic_pairs
from datamodules.text.text_files import FileTexts
from datamodules.text.vocabulary import read_saved

SYNTHETIC = {"train": 6000, "val": 300, "test": 300}  # pairs
BATCH_SIZE = 64  # pairs, unless it is given
TOKENS = 2**16  # most of a batch in evaluation, padding included

Language = Literal["de", "en", "fr"]


class TranslationDataModule(CountsBatches):
    """Sentences and their translations as numbers of symbols in memory, in batches of similar length.

    A part is two files, line by line (`data.train_files "[train.de, train.en]"`), or one file of two columns with a tab
    between them. Any can be gzipped. Pairs with a blank sentence are left out of every part, and those longer than
    `max_length` out of training; elsewhere a longer sentence is cut, and measured beside its whole translation. How
    many there were is said.

    The vocabulary is learned from the training pairs alone.

    Args:
        data_dir: Folder of the data set; downloads are saved there.
        source: `auto` for real sentences; `synthetic` for 6,600 generated pairs, without a download.
        dataset: `multi30k` for captions of pictures, downloaded if absent; `files` for your own files.
        source_language: Language that is translated, of `multi30k`.
        target_language: Language that it is translated into, of `multi30k`.
        test_set: Test part of `multi30k`.
        train_files: One or two files of training pairs, under `data_dir`.
        val_files: Files of validation pairs.
        test_files: Files of test pairs.
        swap: Whether the second file or column is translated, into the first.
        encoding: How sentences are divided into symbols.
        reverse_source: Whether the symbols of a sentence are read from the last to the first (Sutskever et al., 2014).
        max_length: Most symbols of a sentence, and of a translation with the mark of its end.
        batch_tokens: Symbols of both languages per optimizer step, on all devices together; by `batch_size` if not
            given.
        batch_size: Pairs per optimizer step, on all devices together, where `batch_tokens` is not given.
        eval_batch_size: Pairs per batch in validation, test and prediction; affects only speed.
        bucket: Number of batches of `batch_size` pairs within which pairs are sorted by length; 1 does not sort.
        val_size: Training pairs used for validation, if there are no files of them.
        test_size: Training pairs used for the test, if there are no files of them.
        split: Whether these are the `first` of the file, validation before test, or drawn at `random`, in which case
            all translations of one sentence are in one part.
        split_seed: Seed of that choice, separate from the run's seed so that all runs use the same split.
        vocabulary: A run's `vocabulary.json`, or the run's folder, whose symbols and encoding are used instead.
    """

    unit = "pairs"
    stand_in = "sentences"
    own_file = "--data.dataset files --data.data_dir {folder} --data.train_files [{name}]"
    stated = {"encoding": vars(PairEncoding()), "reverse_source": False}
    splits: dict[str, Pairs]

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        dataset: Literal["multi30k", "files"] = "files",
        source_language: Language = "de",
        target_language: Language = "en",
        test_set: Literal["test_2016_flickr", "test_2017_flickr"] = "test_2016_flickr",
        train_files: list[str] | None = None,
        val_files: list[str] | None = None,
        test_files: list[str] | None = None,
        swap: bool = False,
        encoding: PairEncoding = PairEncoding(),  # noqa: B008 (frozen)
        reverse_source: bool = False,
        max_length: int = 100,
        batch_tokens: int | None = None,
        batch_size: int = BATCH_SIZE,
        eval_batch_size: int = 128,
        bucket: int = 50,
        val_size: int = 0,
        test_size: int = 0,
        split: Literal["random", "first"] = "random",
        split_seed: int = 0,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        check_least(1, bucket=bucket, max_length=max_length)
        check_least(0, val_size=val_size, test_size=test_size)
        if batch_tokens is not None:
            check_least(1, batch_tokens=batch_tokens)
            self.batch_option = "batch_tokens"
        self.files = {"train": train_files, "val": val_files, "test": test_files}
        self.dataset = dataset
        self.languages = (source_language, target_language)
        self.test_set = test_set
        self.swap = swap
        self.max_length = max_length
        self.batch_tokens = batch_tokens
        self.bucket = bucket
        self.sizes_to_split = {"val": val_size, "test": test_size}
        self.split = split
        self.split_seed = split_seed
        named = f"{NAME} {source_language}-{target_language}"
        self.name = named if dataset == "multi30k" else self.data_dir.resolve().name
        check_parts(dataset, self.files, self.sizes_to_split)
        self._texts: dict[str, SentencePairs] = {}  # of validation and test
        self._is_learned = vocabulary is not None
        if vocabulary is None:
            self._encoder = PairEncoder(encoding, reverse_source)
        else:
            saved, where = read_saved(Path(vocabulary)), f"--data.vocabulary {vocabulary}"
            self._encoder = PairEncoder.from_content(saved, where, encoding, reverse_source)

    @property
    def encoder(self) -> PairEncoder:
        """The encoder of both languages; reads the pairs if needed."""
        if not self._is_learned:
            self.load_once()
        return self._encoder

    @property
    def vocab_size(self) -> int:
        """Number of symbols of translations, the special ones included."""
        return len(self.encoder.target)

    @property
    def source_vocab_size(self) -> int:
        """Number of symbols of the sentences that are translated, the special ones included."""
        return len(self.encoder.source)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, ordered by number; of two vocabularies, those of the translations last."""
        return self.encoder.symbols

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the encoder's content."""
        return self.encoder.content()

    def setup(self, stage: str) -> None:
        """Loads the pairs, and says before a training if a given `batch_size` is without effect."""
        super().setup(stage)
        if stage == "fit" and self.batch_tokens is not None and self.batch_size != BATCH_SIZE:
            why = f"{self.batch_size} is without effect beside data.batch_tokens {self.batch_tokens}"
            print_line(f"note     data.batch_size {why}; change that, or add --data.batch_tokens null")

    def load(self) -> dict[str, Pairs]:
        """Reads and encodes the pairs.

        Raises:
            InputError: A file is missing or malformed, or the download failed.
        """
        parts = self.synthesize() if self.source == "synthetic" else self.read()
        parts = split_pairs(parts, self.sizes_to_split, self.split, self.split_seed)
        if not self._is_learned:
            self._encoder = self._encoder.fitted(parts["train"].sources, parts["train"].targets)
            self._is_learned = True
        splits, lines = number_pairs(parts, self._encoder, self.max_length, self.origin)
        for line in (*(note for part in parts.values() for note in part.notes), *lines):
            print_line(line)
        self._texts = {part: parts[part] for part in PARTS if part != "train"}
        return splits

    def synthesize(self) -> dict[str, SentencePairs]:
        """Generates pairs instead of the data set."""
        return {part: synthetic_pairs(n, seed) for seed, (part, n) in enumerate(SYNTHETIC.items(), 1)}

    def read(self) -> dict[str, SentencePairs]:
        """Reads the pairs of each part that has files.

        Raises:
            InputError: A file is missing or malformed, or the download failed.
        """
        if self.dataset == "multi30k":
            files = multi30k(self.data_dir, self.languages, self.test_set)
            self.origin = str(files["train"][0].parent)
        elif self.files["train"] is None:
            raise InputError('data.train_files: name the files of the training pairs, such as "[train.de, train.en]"')
        else:
            given = {part: names for part, names in self.files.items() if names is not None}
            files = {part: [self.data_dir / name for name in names] for part, names in given.items()}
        return {part: read_pairs(paths, self.swap) for part, paths in files.items()}

    def where_tests_belong(self) -> str:
        """Returns where test pairs are expected."""
        return f"{self.origin}: no test pairs; data.test_files names them, or data.test_size sets some aside"

    def check_shares(self) -> None:
        """Checks that a batch of so many pairs can be divided equally; one of so many symbols always can."""
        if self.batch_tokens is None:
            super().check_shares()

    def make_loader(self, split: Pairs, batch_size: int, seed: int | None, in_order: bool) -> PairLoader:
        """Makes the loader of a split, with pairs of similar length in a batch unless `in_order`."""
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        bucket = 1 if in_order else self.bucket
        return PairLoader(split, batch_size, self.batch_tokens, seed, bucket, rank, world_size, TOKENS)

    def references(self, part: str) -> list[str]:
        """Returns the translations of a part, `val` or `test`, as they were read."""
        return self._texts[part].targets

    def sentences(self, part: str) -> list[str]:
        """Returns the sentences of a part, `val` or `test`, as they were read."""
        return self._texts[part].sources

    def batch_of(self, part: str, places: Tensor) -> PairBatch:
        """Returns the pairs at places of a part, int64 [B], in one batch."""
        return self.splits[part].batch(places)

    def translation_of(self, symbols: Tensor) -> str:
        """Returns the text of a translation's symbols [T]."""
        return self.encoder.target.decode(symbols.tolist())

    def pieces_of(self, sources: Tensor, targets: Tensor) -> tuple[list[str], list[str]]:
        """Returns the symbols of a sentence [S] and of its translation [T] as texts, in the order they are read."""
        return self.encoder.source.pieces(sources.tolist()), self.encoder.target.pieces(targets.tolist())

    def texts_of_file(self, path: Path) -> FileTexts:
        """Returns the texts of a file that `predict` is given: its lines, or its column of sentences."""
        return texts_of_file(path, int(self.swap))

    def read_inputs(self) -> Pairs:
        """Encodes the texts of `inputs`, with empty translations."""
        texts = [text.strip() for text in self.input_names()]  # as those of training
        pairs = {"predict": SentencePairs(texts, [""] * len(texts))}
        splits, lines = number_pairs(pairs, self.encoder, self.max_length, "--input")
        self.input_notes += lines
        return splits["predict"]

    def prediction_endings(self) -> tuple[str, ...]:
        """Returns the endings of a table, and of translations line by line."""
        return (*super().prediction_endings(), TEXT)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of texts and their translations.

        Args:
            names: The texts, or names of test pairs.
            outputs: Symbols of the translations, int64 [N, L].
        """
        translations = [self.translation_of(symbols) for symbols in outputs]
        rows = list(zip(names, translations, strict=True))
        return PredictionTable(("text", "translation"), rows, "excerpts", forms={TEXT: lambda: as_lines(translations)})
