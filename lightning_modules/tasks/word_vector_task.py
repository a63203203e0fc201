"""Word vectors: what they are measured by, their neighbours, and maps of them."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, optim
from torch.optim import Optimizer
from torchmetrics.functional import spearman_corrcoef

from core.errors import InputError
from core.measures import Measure
from core.media import Embedding, Figure, Medium, Table
from core.protocols.general import AsksAboutWords
from datamodules.words.batches import AnalogyBatch, QueryBatch, SimilarityBatch, WordListBatch
from lightning_modules.tasks.metrics import SummedMetrics
from lightning_modules.tasks.task import HALF_WEIGHTS, Task
from lightning_modules.tasks.word_map import draw_word_map

QUESTIONS = 512  # that are answered at a time
MAPPED = 500  # words of the map, the most frequent ones
PROJECTED = 5000  # words in TensorBoard's projector


def plain_sgd(params: Iterable) -> Optimizer:
    """Returns SGD without momentum, which takes sparse gradients, for models without a config."""
    return optim.SGD(params, lr=0.05)


class QuestionMetrics(SummedMetrics):
    """Mean loss of a pair in training; in validation and test, what each file of questions gives."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.measured: dict[str, float] = {}  # by measure
        self.kinds: dict[str, list[tuple[str, int, int]]] = {}  # kind, right answers and questions, by file

    def note(self, name: str, value: float, kinds: Iterable[tuple[str, int, int]] = ()) -> None:
        """Adds the figure of a file, and for analogies name, right answers and questions of each kind."""
        self.__dict__["_update_count"] = 1  # torchmetrics checks it to know whether update was called
        self.measured[name] = value
        self.kinds[name] = list(kinds)

    def reset(self) -> None:
        """Forgets everything."""
        super().reset()
        self.measured, self.kinds = {}, {}

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        measured = {name: torch.tensor(value) for name, value in self.measured.items()}
        return measured or super()._figures(count)


class WordVectorTask(Task):
    """Learns a vector for each word; judged by similarities and analogies that people have stated.

    Logs `loss`, the mean of a pair, under `train/`. Under `val/` and `test/` it logs one value for each file of
    questions, under the file's name: Spearman's rank correlation of cosines with judged similarities, or the share of
    analogies of which the nearest word is the right one. The files' questions with unknown words are not counted.

    Args:
        neighbours: How many near words `predict` names.
        optimizer: Makes the optimizer from parameter groups.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    metrics_type = QuestionMetrics
    lacking_formats = HALF_WEIGHTS
    changeable = ("neighbours",)

    def __init__(self, neighbours: int = 10, optimizer: OptimizerCallable = plain_sgd, **training: Any) -> None:
        super().__init__(optimizer=optimizer, **training)
        self.has_optimizer = optimizer is not plain_sgd
        if neighbours < 1:
            raise InputError(f"model.neighbours is {neighbours}: at least 1 is needed")
        self.neighbours = neighbours

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The loss, and a measure for each file of questions."""
        data = self._data
        names = dict.fromkeys(name for part in ("val", "test") for name in data.test_names(part)) if data else {}
        return (Measure("loss", "min"), *(Measure(name, "max", unit="%", digits=1, words=name) for name in names))

    @property
    def monitor(self) -> str | None:
        """The value of the first file of validation; None if there is none."""
        names = self._data.test_names("val") if self._data else ()
        return f"val/{names[0]}" if names else None

    @property
    def _data(self) -> AsksAboutWords | None:
        data = self._trainer.datamodule if self._trainer is not None else None
        return data if isinstance(data, AsksAboutWords) else None

    @abstractmethod
    def vectors_of(self, words: Tensor) -> Tensor:
        """Returns the vectors of words, [N, D], by their numbers int64 [N]."""

    def forward(self, words: Tensor) -> Tensor:
        """Returns the vectors of words, [..., D], by their numbers int64 [...]."""
        return self.vectors_of(words.flatten()).view(*words.shape, -1)

    @property
    @abstractmethod
    def composes_words(self) -> bool:
        """Whether there are vectors of words that the vocabulary lacks."""

    @abstractmethod
    def vectors_of_unknown(self, words: Sequence[str]) -> Tensor:
        """Returns the vectors of words that the vocabulary lacks, [N, D], from their parts."""

    @abstractmethod
    def vocabulary_size(self) -> int:
        """Returns the number of words."""

    def directions(self) -> Tensor:
        """Returns the vectors of all words, scaled to length 1, float32 [V, D]."""
        return self._directions_of(torch.arange(self.vocabulary_size(), device=self.device))

    def _directions_of(self, words: Tensor) -> Tensor:
        """Returns the vectors of words, scaled to length 1, float32 [N, D], by their numbers int64 [N]."""
        return F.normalize(self.vectors_of(words).float(), dim=1)

    def evaluate(self, batch: SimilarityBatch | AnalogyBatch, metrics: QuestionMetrics) -> Tensor:
        """Returns cosines of pairs, or which analogies are right, and notes the figure of the file."""
        with torch.no_grad(), self.whole_precision():
            return self._evaluate(batch, metrics)

    def _evaluate(self, batch: SimilarityBatch | AnalogyBatch, metrics: QuestionMetrics) -> Tensor:
        if isinstance(batch, SimilarityBatch):
            first, second = map(self._directions_of, batch.words.unbind(1))
            cosines = (first * second).sum(1)
            metrics.note(batch.name, rank_correlation(cosines, batch.scores))
            return cosines
        right = self.answers(self.directions(), batch.words[:, :3]) == batch.words[:, 3]
        kinds = [(name, right[batch.kinds == number]) for number, name in enumerate(batch.kind_names)]
        counts = [(name, int(of_kind.sum()), len(of_kind)) for name, of_kind in kinds]
        metrics.note(batch.name, float(right.float().mean()), counts)
        return right

    @staticmethod
    def answers(directions: Tensor, asked: Tensor) -> Tensor:
        """Returns the word nearest to b - a + c, which is none of the three, int64 [N].

        Args:
            directions: Vectors of length 1, [V, D].
            asked: a, b and c, int64 [N, 3].
        """
        found = []
        for three in asked.split(QUESTIONS):
            a, b, c = (directions[three[:, place]] for place in range(3))
            scores = (b - a + c) @ directions.T
            found.append(scores.scatter_(1, three, -torch.inf).argmax(1))
        return torch.cat(found) if found else asked.new_empty(0)

    def predict_step(self, batch: QueryBatch | WordListBatch, batch_idx: int) -> Tensor:
        """Returns number and cosine of the words nearest to sums of words, float64 [B, K, 2]; or vectors [B, D]."""
        with self.whole_precision():
            return self.vectors_of(batch.words) if isinstance(batch, WordListBatch) else self._nearest(batch)

    def _nearest(self, batch: QueryBatch) -> Tensor:
        directions = self.directions()
        known = directions
        if batch.unknown:
            known = torch.cat([directions, F.normalize(self.vectors_of_unknown(batch.unknown).float(), dim=1)])
        sums = F.normalize((known[batch.words] * batch.weights[..., None]).sum(1), dim=1)
        cosines = sums @ directions.T
        # a word that is asked for is no answer; padding is word 0 with a weight of 0
        asked = cosines.new_zeros(len(cosines), len(known)).scatter_add_(1, batch.words, batch.weights.abs())
        cosines = cosines.masked_fill(asked[:, : len(directions)] > 0, -torch.inf)
        best = cosines.topk(max(1, min(self.neighbours, cosines.shape[1] - batch.words.shape[1])))
        return torch.stack([best.indices.cpu().double(), best.values.cpu().double()], 2)

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Medium]:
        """Yields a table of analogies by kind, where validation has any."""
        yield from _analogy_tables("analogies", step, self.val_metrics)

    def media_after_test(self, step: int) -> Iterator[Medium]:
        """Yields a table of the test's analogies by kind."""
        yield from _analogy_tables("test_analogies", step, self.test_metrics)

    def media_after_fit(self, step: int) -> Iterator[Medium]:
        """Yields a map of the most frequent words, and vectors for TensorBoard's projector."""
        if self._data is None:
            return
        names: Sequence[str] = self._data.symbols
        directions = self.directions().cpu()
        yield Figure(name="words", step=step, figure=draw_word_map(directions[:MAPPED], names[:MAPPED]))
        yield Embedding(name="projector", step=step, vectors=directions[:PROJECTED], labels=names[:PROJECTED])


def _analogy_tables(name: str, step: int, metrics: QuestionMetrics) -> Iterator[Medium]:
    rows = [
        (file, kind, str(right), str(n), f"{right / n:.3f}" if n else "-")
        for file, kinds in metrics.kinds.items()
        for kind, right, n in kinds
    ]
    if rows:
        yield Table(name=name, step=step, header=("file", "kind", "right", "covered", "share"), rows=rows)


def rank_correlation(values: Tensor, others: Tensor) -> float:
    """Returns Spearman's rank correlation of values [N]; 0 where it is not defined, as of a single pair."""
    if len(values) < 2:
        return 0.0
    # on the CPU, since Apple's GPUs (mps) have no float64
    correlation = float(spearman_corrcoef(values.cpu().double(), others.cpu().double()))
    return correlation if correlation == correlation else 0.0
