"""The smallest forms of the text data and models that behave like the real ones."""

from typing import Any

import torch

from datamodules import CharCorpusDataModule, MusicDataModule, TextClassificationDataModule, TranslationDataModule
from datamodules.pairs.files import SentencePairs
from datamodules.pairs.pieces import PairEncoding
from datamodules.pairs.synthetic import synthetic_pairs
from datamodules.text.synthetic import synthetic_corpus, synthetic_parts
from datamodules.text.text_files import LabelledTexts
from datamodules.tunes.notation import Tune
from datamodules.tunes.synthetic import synthetic_tunes
from lightning_modules import CharRNN

# Configs of the data below, for tests of the command.
CHARACTERS = """\
model:
  class_path: lightning_modules.CharRNN
  init_args:
    hidden: 8
    layers: 1
    length: 30
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.01}
data:
  class_path: tests.tiny_text.TinyCorpus
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 2
"""
DOCUMENTS = """\
model:
  class_path: lightning_modules.BagOfNgrams
  init_args:
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.1}
data:
  class_path: tests.tiny_text.TinyDocuments
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 3
"""


class TinyCorpus(CharCorpusDataModule):
    """A text of some 3,000 characters, in rows of 4."""

    def __init__(self, batch_size: int = 4, steps: int = 20, vocabulary: str | None = None) -> None:
        super().__init__(
            source="synthetic", batch_size=batch_size, steps=steps, eval_batch_size=2, vocabulary=vocabulary
        )

    def synthesize(self) -> str:
        """Makes the text."""
        return synthetic_corpus(3000, seed=1)


class TinyDocuments(TextClassificationDataModule):
    """200 documents of 4 classes to train on, 20 to validate, 30 to test."""

    def __init__(self, batch_size: int = 20, bucket: int = 3, val_size: int = 20, **settings: Any) -> None:
        super().__init__(source="synthetic", batch_size=batch_size, bucket=bucket, val_size=val_size, **settings)

    def synthesize(self) -> dict[str, LabelledTexts]:
        """Makes the documents."""
        return synthetic_parts({"train": 220, "test": 30}, num_classes=4)


class TinyTunes(MusicDataModule):
    """24 tunes to train on in their usual keys, in rows of 4, 3 to validate, 3 to test."""

    def __init__(self, batch_size: int = 4, steps: int = 32, written: int = 1, **settings: Any) -> None:
        super().__init__(
            source="synthetic", batch_size=batch_size, steps=steps, eval_batch_size=2, written=written, **settings
        )

    def _read(self) -> list[Tune]:
        return synthetic_tunes(30, seed=1)


def tiny_char_rnn(**changes: Any) -> CharRNN:
    """Returns a CharRNN with dropout, small enough to train in a moment."""
    torch.manual_seed(0)
    settings = {"vocab_size": TinyCorpus().vocab_size, "hidden": 8, "layers": 2, "dropout": 0.2}
    return CharRNN(**settings | changes)


class TinyPairs(TranslationDataModule):
    """120 sentences with translations to train on, 12 to validate, 15 to test; 200 symbols."""

    def __init__(
        self,
        batch_tokens: int | None = 400,
        batch_size: int = 12,
        encoding: PairEncoding = PairEncoding(size=200),  # noqa: B008 (frozen)
        vocabulary: str | None = None,
    ) -> None:
        super().__init__(
            source="synthetic",
            batch_tokens=batch_tokens,
            batch_size=batch_size,
            eval_batch_size=5,
            encoding=encoding,
            vocabulary=vocabulary,
        )

    def synthesize(self) -> dict[str, SentencePairs]:
        """Makes the pairs."""
        return {
            part: synthetic_pairs(n, seed) for seed, (part, n) in enumerate((("train", 120), ("val", 12), ("test", 15)))
        }
