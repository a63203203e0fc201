"""A text as a sequence of words, for word vectors: text8, film reviews, or your own files."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.predictions import PredictionTable
from core.protocols.general import ComposesWords
from core.randomness import generator
from core.terminal.console import print_line
from datamodules.base.data_module import Source
from datamodules.base.loader import Loader
from datamodules.base.sizes import check_least
from datamodules.text.encoder import Encoder, Encoding
from datamodules.text.text_data_module import TextDataModule
from datamodules.text.vocabulary import read_saved
from datamodules.words.advice import notes_on
from datamodules.words.batches import WordListBatch
from datamodules.words.counts import CountedWords, count_words
from datamodules.words.evaluations import WordTests, read_tests
from datamodules.words.files import Corpus, WordFiles
from datamodules.words.queries import neighbour_table, read_queries
from datamodules.words.stream import BatchListLoader, Rule, WordLoader, WordStream, keeping_probabilities
from datamodules.words.synthetic import synthetic_sentences, synthetic_tests
from datamodules.words.vector_files import BINARY, TEXT, as_table

SYNTHETIC = 20_000  # sentences
MOST, LEAST, STEPS = 4096, 256, 200  # words of a step, where it is not given, and least steps before it has the most
ROWS = 4096  # vectors that are predicted at a time


class WordCorpusDataModule(TextDataModule):
    """A text as numbers of its words, read in pieces, and the files that word vectors are measured by.

    Words that are too rare are left out of the text. Frequent words are left out now and then; which, and how wide the
    window around each word is, follows from seed, epoch and place. A window stays within its document and its piece.

    `val_files` are measured after every epoch, `test_files` by `test`. A file has two words and a number in each line,
    judged similarities, or four words, analogies, with `: kind` above those of a kind; columns are separated by tabs,
    commas or spaces. How many of its questions have all their words in the vocabulary is printed.

    Args:
        data_dir: Folder of the named corpora; downloads and a cache of the text are saved there.
        source: `auto` for a real text; `synthetic` for sentences of a made-up language, with tests of its own.
        corpus: Which named corpus: `text8`; `imdb` for all labelled film reviews, `imdb_train` for those that
            classifiers train on.
        file: Your own text file, in UTF-8, gzipped or not, instead of a named corpus.
        folder: Your own folder of text files, with all folders in it.
        documents: What a document is: a line, or a file.
        encoding: How texts are split into words, and which are in the vocabulary; `punctuation: true` makes marks
            words.
        window: Most words on each side of a word that are its context.
        subsample: Share of the text above which a word is left out now and then; 0 keeps all.
        subsample_rule: How often, as in the program of the paper or as in its text.
        resample: Whether each epoch leaves out others; else the text is thinned once.
        shuffle: Whether pieces come in random order.
        batch_size: Words per optimizer step, without those that are left out, on all devices together. 4,096 if not
            given, and fewer in a short text, which has too few steps otherwise.
        val_files: Files that are measured after every epoch, by path or by name in `data_dir`; the first decides which
            checkpoint is the best.
        test_files: Files that `test` measures.
        vocabulary: A run's `vocabulary.json`, or the run's folder, whose words are used instead of the text's own.
    """

    unit = "words"
    evaluation_unit = "questions"
    stand_in = "sentences"
    own_file = "--data.file {path}"
    paths = (*TextDataModule.paths, "file", "folder", "val_files", "test_files")
    changeable = ("data_dir", "file", "folder", "test_files")
    learned, counted = "words", ("counts",)
    splits: dict[str, Any]

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        corpus: Corpus = "text8",
        file: str | None = None,
        folder: str | None = None,
        documents: Literal["lines", "files"] = "lines",
        encoding: Encoding = Encoding(punctuation=False, min_count=5),  # noqa: B008 (frozen)
        window: int = 5,
        subsample: float = 1e-4,
        subsample_rule: Rule = "word2vec.c",
        resample: bool = True,
        shuffle: bool = True,
        batch_size: int | None = None,
        val_files: list[str] | None = None,
        test_files: list[str] | None = None,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__(data_dir, source, MOST if batch_size is None else batch_size, 1)
        check_least(1, window=window)
        if not 0 <= subsample <= 1:
            raise InputError(f"data.subsample is {subsample:g}: a share of the text, from 0 to 1, is needed")
        own_file, own_folder = (None if path is None else from_home(path) for path in (file, folder))
        self.files = WordFiles(self.data_dir, corpus, own_file, own_folder, documents, encoding)
        self.name = self.files.name
        if source == "auto":
            self.origin = str(self.files.given or self.data_dir)
        self.encoding = encoding
        self.window = window
        self.subsample = subsample
        self.subsample_rule = subsample_rule
        self.resample = resample
        self.shuffle = shuffle
        self.test_files = {
            part: [*map(from_home, paths or [])] for part, paths in (("val", val_files), ("test", test_files))
        }
        saved = {} if vocabulary is None else read_saved(Path(vocabulary))
        self._words = tuple(saved["symbols"]) if saved else None
        self._joins = bool(saved.get("marks", not saved))  # whether words go on over combining marks
        # of each word in the text, [V], once it is read; until then in that of the vocabulary
        self.word_counts = torch.tensor(saved.get("counts", []), dtype=torch.int64)
        self.training_counts = torch.zeros(0, dtype=torch.float64)  # of each word in an epoch, on average, [V]
        self._chooses_batch_size = batch_size is None
        self.kept_share = 1.0  # of the text, on average over the draws

    @property
    def symbols(self) -> tuple[str, ...]:
        """All words, the most frequent first; reads the text if needed."""
        if self._words is None:
            self.load_once()
        return self._words

    @property
    def vocab_size(self) -> int:
        """Number of words."""
        return len(self.symbols)

    def load(self) -> dict[str, Any]:
        """Reads the text, or its numbers from the cache, and the tests.

        Raises:
            InputError: Something is missing or malformed, the download failed, or too few words are left.
        """
        counted = self.synthesize() if self.source == "synthetic" else self.files.count(self._words, self._joins)
        self._words, self.word_counts, self._joins = counted.words, counted.counts, counted.combining_marks
        if int((counted.counts > 0).sum()) < 2:
            raise InputError(
                f"{self.origin}: too few words for a vocabulary, of {counted.total:,} in the text; lower "
                f"data.encoding.min_count, which is {self.encoding.min_count}, or give a longer text"
            )
        learns = self.trainer is None or self.trainer.state.fn == "fit"
        print_line("\n".join(notes_on(counted, self.subsample, self.subsample_rule, self.encoding.tokenizer, learns)))
        keep = keeping_probabilities(counted.counts, self.subsample, self.subsample_rule)
        stream = WordStream(counted.documents, keep)
        self.training_counts = counted.counts * keep.double()
        self.kept_share = stream.kept_share(counted.counts)
        if not self.resample:
            stream, self.kept_share = stream.thinned(generator(0, "thinning")), 1.0
        if self._chooses_batch_size:
            self.batch_size = min(MOST, max(LEAST, int(len(stream) * self.kept_share) // STEPS // LEAST * LEAST))
        numbers = {word: number for number, word in enumerate(counted.words)}
        made = synthetic_tests(numbers) if self.source == "synthetic" else {}
        splits: dict[str, Any] = {"train": stream}
        for part, paths in self.test_files.items():
            tests = read_tests(self._existing(paths), numbers, self.encoding.lowercase)
            splits[part] = WordTests(tests or made.get(part, []))
            for test in splits[part].tests:
                print_line(f"note     {test.describe()}")
        return splits

    def _existing(self, paths: list[Path]) -> list[Path]:
        """Returns where files are: at their paths, or in the folder of the data."""
        return [self.data_dir / path if (self.data_dir / path).is_file() else path for path in paths]

    def test_names(self, part: str) -> tuple[str, ...]:
        """Returns the names of the tests of `val` or `test`."""
        return tuple(test.name for test in self.splits[part].tests) if self.splits else ()

    def synthesize(self) -> CountedWords:
        """Generates sentences instead of the text."""
        sentences, encoding = synthetic_sentences(SYNTHETIC, seed=1), self.encoding
        return count_words(sentences, Encoder(encoding).tokens, encoding.min_count, encoding.max_size, self._words)

    def prepare_data(self) -> None:
        """Downloads and caches the text on one process, unless only words of a known vocabulary are asked for."""
        if not self._only_words_are_asked_for():
            super().prepare_data()

    def setup(self, stage: str) -> None:
        """Reads the text; later calls do nothing.

        Raises:
            InputError: It cannot be read, is too short for a step, or a test has no questions.
        """
        if stage == "predict" and self._only_words_are_asked_for():
            return
        super().setup(stage)
        if stage == "test" and not self.splits["test"].tests:
            raise InputError("data.test_files: no file is named that the test could measure")

    def _only_words_are_asked_for(self) -> bool:
        return self._words is not None and self.trainer is not None and self.trainer.state.fn == "predict"

    def train_dataloader(self) -> WordLoader:
        """Returns the loader of the text, at the batch at which a resumed run continues."""
        self.check_shares()
        stream, rank, world_size = self.splits["train"], self.trainer.global_rank, self.trainer.world_size
        words = min(max(1, round(self.batch_size / self.kept_share)), len(stream))
        loader = WordLoader(stream, self.window, words, self.shuffle, self.trainer.seed, rank, world_size)
        return self.resumed(self.keep("train", loader))

    def val_dataloader(self) -> Loader | list:
        """Returns the loader of the tests of `val_files`; an empty list, which Lightning skips, if there are none."""
        return self._tests("val") if self.splits["val"].tests else []

    def test_dataloader(self) -> Loader:
        """Returns the loader of the tests of `test_files`."""
        return self._tests("test")

    def _tests(self, part: str) -> Loader:
        return self.keep(part, BatchListLoader([test.batch for test in self.splits[part].tests]))

    def prediction_names(self) -> list[str]:
        """Returns the sums of words that are asked for, such as `king - man + woman`; all words if there are none."""
        return self.given_texts() if self.inputs else list(self.symbols)

    def predict_dataloader(self) -> Loader:
        """Returns the loader of the sums that are asked for, or of all words.

        Where a word of a sum is unknown, nothing stands in its place, and the reason in `unread`.

        Raises:
            InputError: There are fewer than devices.
        """
        names = self.prediction_names()
        self.check_enough(len(names), "inputs")
        mine = list(range(self.trainer.global_rank, len(names), self.trainer.world_size))
        if not self.inputs:
            return self.keep("predict", BatchListLoader([WordListBatch(p) for p in torch.tensor(mine).split(ROWS)]))
        numbers = {word: number for number, word in enumerate(self.symbols)}
        model = self.trainer.lightning_module
        composes = isinstance(model, ComposesWords) and model.composes_words
        batch, unread = read_queries({p: names[p] for p in mine}, numbers, self.encoding.lowercase, composes)
        self.unread = unread | self.unread
        return self.keep("predict", BatchListLoader([batch]))

    def prediction_endings(self) -> tuple[str, ...]:
        """Returns the endings of a table, and of word2vec's files where all vectors are written."""
        return super().prediction_endings() if self.inputs else (*super().prediction_endings(), *TEXT, *BINARY)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of the nearest words of sums, or of vectors.

        Args:
            names: The sums, or the words.
            outputs: Number and cosine of each near word, [N, K, 2]; or vectors, [N, D].
        """
        return neighbour_table(names, outputs, self.symbols) if self.inputs else as_table(names, outputs)

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the words and how often each occurs."""
        return {"symbols": self.symbols, "counts": self.word_counts.tolist()} | ({"marks": True} if self._joins else {})
