"""Marks of symbols are embedded, and read by language models."""

import pytest
import torch

from lightning_modules import CharRNN, TransformerLM
from lightning_modules.layers.mark_embedding import MarkEmbedding
from lightning_modules.tasks.language_model import LanguageModel


def test_the_vectors_of_all_marks_are_added_up() -> None:
    embedding = MarkEmbedding((3, 2), width=4)
    assert not embedding.weight.any(), "a network begins as it would without marks"
    torch.nn.init.normal_(embedding.weight)
    rows = embedding.weight
    expected = torch.stack([rows[2] + rows[3], rows[0] + rows[4]])[None]
    torch.testing.assert_close(embedding(torch.tensor([[[2, 0], [0, 1]]])), expected)


@pytest.fixture(params=["one-hot", "embedding", "transformer"])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    """Language models of 9 symbols with marks."""
    torch.manual_seed(0)
    if request.param == "transformer":
        made = TransformerLM(9, width=8, layers=1, heads=1, context=6, mark_sizes=(3, 2))
    else:
        made = CharRNN(9, hidden=8, layers=1, embedding=6 * (request.param == "embedding"), mark_sizes=(3, 2))
    torch.nn.init.normal_(made.mark_embedding.weight)
    return made.eval()


def test_predictions_depend_on_marks(model: LanguageModel) -> None:
    symbols, marks = torch.ones(1, 5, dtype=torch.int64), torch.zeros(1, 5, 2, dtype=torch.int64)
    other = marks.clone()
    other[0, 3, 0] = 2
    differs = (model(symbols, None, marks)[0] != model(symbols, None, other)[0]).any(2)[0]
    assert differs.tolist() == [False, False, False, True, True]


class Alternate:
    """Rules by which the marks of a symbol are its remainders; symbol 8 ends."""

    stop = 8

    def __init__(self, primes: torch.Tensor) -> None:
        self.symbols = primes

    def allowed(self, left: int) -> None:
        """Allows everything."""

    def take(self, symbols: torch.Tensor) -> None:
        """Follows a symbol."""
        self.symbols = symbols[:, None]

    def marks(self) -> torch.Tensor:
        """Returns the marks of the latest symbols."""
        return torch.stack([self.symbols % 3, self.symbols % 2], 2)


def test_what_is_written_depends_on_marks_as_what_is_read_does(model: LanguageModel) -> None:
    prime = torch.tensor([[1, 4, 2], [0, 3, 5]])
    model.sampling = type(model.sampling)(temperature=0)
    written = model.write(prime, 6, torch.Generator(), Alternate(prime))
    text = torch.cat([prime, written], 1)
    logits, _ = model(text, None, torch.stack([text % 3, text % 2], 2))
    for row, symbols in enumerate(written.tolist()):
        end = symbols.index(8) + 1 if 8 in symbols else len(symbols)
        assert symbols[:end] == logits[row, 2 : 2 + end].argmax(1).tolist()
