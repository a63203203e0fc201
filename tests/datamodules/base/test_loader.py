"""Every loader yields as many batches as its length says, on one device and on several."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from datamodules.base.loader import Loader
from datamodules.images.loader import ImageLoader
from datamodules.images.splits import ClassifiedImages
from datamodules.pairs.pairs import PairLoader, Pairs
from datamodules.pictures import WholePictures
from datamodules.style_pictures import Rounds, SameBatch
from datamodules.text.documents import DocumentLoader, Documents, Texts
from datamodules.text.rows import PrimeLoader, RowLoader, Rows, WindowLoader
from datamodules.tunes.loader import TuneRows, Tunes, WholeTunes
from datamodules.tunes.spelling import Spelling
from datamodules.tunes.symbols import vocabulary_of
from datamodules.tunes.synthetic import synthetic_tunes
from datamodules.words.stream import BatchListLoader, WordLoader, WordStream

DOCUMENTS = Documents.of([[5] * (3 + 7 * place % 11) for place in range(25)])
TEXTS = Texts(DOCUMENTS)
PAIRS = Pairs(DOCUMENTS, DOCUMENTS, torch.zeros(25, dtype=torch.bool))
IMAGES = ClassifiedImages(torch.zeros(25, 2, 2, 1, dtype=torch.uint8), torch.zeros(25, dtype=torch.int64))
CHARACTERS = torch.arange(250).byte()
STREAM = WordStream(DOCUMENTS, torch.ones(6))


def tunes() -> Tunes:
    """Returns a few tunes, each in its own key."""
    some = synthetic_tunes(7, seed=0)
    tokens = {token for tune in some for token in tune.tokens}
    return Tunes(
        some, [len(tune.text) for tune in some], Spelling(tokens, [0], vocabulary_of(tokens, ()), "characters")
    )


# Of process `rank` of `n`; batches of 6 samples do not come out even.
TRAINING: dict[str, Callable[[int, int], Loader]] = {
    "images": lambda rank, n: ImageLoader(IMAGES, 6, 0, None, rank, n),
    "documents": lambda rank, n: DocumentLoader(TEXTS, 6, 0, 2, rank, n, most=40),
    "pairs": lambda rank, n: PairLoader(PAIRS, 6, None, 0, 2, rank, n, most=40),
    "pairs, fewer than a batch": lambda rank, n: PairLoader(PAIRS, 30, None, 0, 2, rank, n, most=40),
    "pairs by symbols": lambda rank, n: PairLoader(PAIRS, 6, 120, 0, 2, rank, n, most=40),
    "rows": lambda rank, n: RowLoader(Rows.cut(CHARACTERS, 6), 7, True, rank, n),
    "windows": lambda rank, n: WindowLoader(CHARACTERS, 7, 6, 0, rank, n),
    "tunes": lambda rank, n: TuneRows(tunes(), 6, 7, 0, rank, n),
    "words": lambda rank, n: WordLoader(STREAM, 2, 12, True, 0, rank, n),
    "one batch": lambda rank, n: SameBatch(Rounds(None, 5), 0),
}
EVALUATION: dict[str, Callable[[int, int], Loader]] = {
    "images": lambda rank, n: ImageLoader(IMAGES, 6, None, None, rank, n),
    "documents": lambda rank, n: DocumentLoader(TEXTS, 6, None, 2, rank, n),
    "documents, divided": lambda rank, n: DocumentLoader(TEXTS, 6, None, 1, rank, n, most=40),
    "pairs": lambda rank, n: PairLoader(PAIRS, 6, None, None, 2, rank, n),
    "pairs, divided": lambda rank, n: PairLoader(PAIRS, 6, 120, None, 2, rank, n, most=20),
    "rows": lambda rank, n: RowLoader(Rows.cut(CHARACTERS, 6), 7, False, rank, n),
    "primes": lambda rank, n: PrimeLoader([[1], [2, 3], [4]][rank::n]),
    "tunes": lambda rank, n: WholeTunes(tunes(), 2, rank, n),
    "pictures": lambda rank, n: WholePictures([Path("absent.png")] * 7, 0, rank, n, 16),
    "questions": lambda rank, n: BatchListLoader([1, 2, 3]),
    "one batch": lambda rank, n: SameBatch(Rounds(None, 5)),
}


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("name", TRAINING)
def test_in_training_the_length_is_what_is_yielded_on_every_process(name: str, processes: int) -> None:
    loaders = [TRAINING[name](rank, processes) for rank in range(processes)]
    yielded = [len(list(loader)) for loader in loaders]
    assert yielded == [len(loader) for loader in loaders]
    assert len(set(yielded)) == 1, "or the processes would wait for each other"


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("name", EVALUATION)
def test_in_evaluation_the_length_is_what_is_yielded(name: str, processes: int) -> None:
    for rank in range(processes):
        loader = EVALUATION[name](rank, processes)
        assert len(loader) == len(list(loader)) > 0


def test_every_loader_of_the_product_is_among_them() -> None:
    made = {type(make(0, 1)) for make in (*TRAINING.values(), *EVALUATION.values())}
    files = Path(sys.modules["datamodules"].__file__).parent.rglob("*.py")
    named = [line for file in files for line in file.read_text().splitlines() if line.startswith("class ")]
    loaders = {line.removeprefix("class ").split("(")[0] for line in named if line.endswith("Loader):")}
    assert {kind.__name__ for kind in made} == loaders - {"SampleLoader"}
