"""Sequence to sequence: learns translations symbol by symbol, and translates by beam search."""

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.console import print_line
from core.errors import InputError
from core.evaluation_mode import evaluation_mode
from core.measures import Measure
from core.translation import HasTranslations
from datamodules.batches import PairBatch
from datamodules.pairs.pieces import BEGIN
from lightning_modules.layers.beam_search import beam_search
from lightning_modules.layers.masks import padding_mask
from lightning_modules.tasks.task import Task
from lightning_modules.tasks.translation_metrics import TokenMetrics, TranslationMetrics, WordMetrics, signatures

LOSS = (Measure("loss", "min"), Measure("perplexity", "min", digits=2, words="perplexity"))
TRANSLATION = (
    *LOSS,
    Measure("bleu", "max", digits=2, words="BLEU"),
    Measure("bleu_lower", "max", digits=2, words="BLEU in lower case"),
    Measure("chrf", "max", digits=2, words="chrF"),
    Measure("bleu_interval", "min", digits=2, words="half of BLEU's 95 % interval"),
    Measure("bleu_lower_interval", "min", digits=2, words="half of lower-case BLEU's 95 % interval"),
)
WORDS = (
    *LOSS,
    Measure("right", "max", unit="%", digits=2, words="outputs wholly right"),
    Measure("right_unseen", "max", unit="%", digits=2, words="outputs wholly right of inputs that training lacks"),
)


class SequenceToSequence(Task):
    """Cross-entropy of every symbol of a translation, given the sentence and the symbols before it.

    Logs `loss` (nats a symbol, without label smoothing) and `perplexity`; in validation and test also `bleu`,
    `bleu_lower` and `chrf`, or `right` and `right_unseen`. The mean is over symbols, padding not counted. Sentences are
    translated in float32, so that a translation does not depend on the batch that it is made in. A network implements
    `encode`, `outputs`, `start`, `step` and `attention`, and has an `embedding` of the translations and a `head`.

    Args:
        label_smoothing: Part of the target distribution that is spread evenly over all symbols.
        beam: Translations that are continued side by side in the search; 1 takes the most probable symbol each time.
        fit_beam: The same in the validations of a fit, which a small beam makes fast; `beam` if not given.
        length_penalty: Exponent of the length by which scores are divided (Wu et al., 2016); 0 prefers short ones.
        length: Most symbols of a translation, which is also at most ten more than twice as long as its sentence.
        scoring: `translation` measures BLEU and chrF; `words` the share of outputs that are wholly right.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: A setting is out of range, or sacrebleu is missing.
    """

    metrics_type = TokenMetrics
    embedding: nn.Embedding  # of the symbols of translations
    head: nn.Linear  # before the softmax over these
    measures = TRANSLATION
    monitor = "val/loss"
    changeable = ("beam", "fit_beam", "length_penalty", "length")

    def __init__(
        self,
        label_smoothing: float = 0.0,
        beam: int = 5,
        fit_beam: int | None = None,
        length_penalty: float = 1.0,
        length: int = 200,
        scoring: Literal["translation", "words"] = "translation",
        **training: Any,
    ) -> None:
        super().__init__(**training)
        for name, value, fits in (
            ("label_smoothing", label_smoothing, 0 <= label_smoothing < 1),
            ("beam", beam, beam >= 1),
            ("fit_beam", fit_beam, fit_beam is None or fit_beam >= 1),
            ("length_penalty", length_penalty, length_penalty >= 0),
            ("length", length, length >= 1),
        ):
            if not fits:
                raise InputError(f"model.{name} is {value}: out of range")
        self.label_smoothing = label_smoothing
        self.beam = beam
        self.fit_beam = beam if fit_beam is None else fit_beam
        self.length_penalty = length_penalty
        self.length = length
        self.scoring = scoring
        if scoring == "words":
            self.measures, self.val_metrics, self.test_metrics = WORDS, WordMetrics(), WordMetrics()
        else:
            signatures()  # refuses a missing package now and not after an epoch
            self.val_metrics, self.test_metrics = TranslationMetrics(), TranslationMetrics(intervals=True)

    @abstractmethod
    def encode(self, sources: Tensor, lengths: Tensor) -> Any:
        """Returns the memory of sentences: tensors [B, ...], of symbols int64 [B, S] and lengths [B]."""

    @abstractmethod
    def outputs(self, memory: Any, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, D], at each place of inputs [B, T], which are known at once."""

    def head_layers(self) -> list[nn.Module]:
        """Returns the softmax, unless its weights are those of an embedding."""
        return [] if self.head.weight is self.embedding.weight else [self.head]

    def logits(self, outputs: Tensor) -> Tensor:
        """Returns logits [..., V] of outputs [..., D]."""
        return self.head(outputs)

    @abstractmethod
    def start(self, memory: Any, beam: int) -> Any:
        """Returns the state before the first symbol: tensors [B, K, ...] for K beams."""

    @abstractmethod
    def step(self, symbols: Tensor, state: Any, memory: Any) -> tuple[Tensor, Any]:
        """Returns logits [B, K, V] of the next symbols, and the state after the given symbols [B, K]."""

    def attention(self, memory: Any, inputs: Tensor) -> Tensor | None:
        """Returns how much each place of inputs [B, T] attends to each symbol of the sentence, [B, T, S]; or None."""
        return None

    def forward(self, sources: Tensor, source_lengths: Tensor, targets: Tensor) -> Tensor:
        """Returns logits of every symbol of translations, computed from the symbols before it.

        Args:
            sources: Symbols of the sentences, int64 [B, S]; values after a sentence's end are ignored.
            source_lengths: Number of symbols of each, int64 [B].
            targets: Symbols of the translations, int64 [B, T].

        Returns:
            [B, T, V].
        """
        return self.logits(self.outputs(self.encode(sources, source_lengths), shifted(targets)))

    def _sums(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Returns the sum of the cross-entropy over a batch's symbols, and of that to the evenly spread part."""
        outputs = self.outputs(self.encode(batch.sources, batch.source_lengths), shifted(batch.targets))
        real = padding_mask(batch.target_lengths, batch.targets.shape[1])
        logs = self.logits(outputs[real]).float().log_softmax(1)  # nothing is computed for padding
        return F.nll_loss(logs, batch.targets[real], reduction="sum"), -logs.mean(1).sum()

    def _loss(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Returns the mean loss that is minimised, and the sum of the cross-entropy."""
        entropy, spread = self._sums(batch)
        smoothed = (1 - self.label_smoothing) * entropy + self.label_smoothing * spread
        return (smoothed if self.label_smoothing else entropy) / batch.tokens, entropy

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Returns the mean cross-entropy of a batch's symbols in nats, with label smoothing."""
        return {"cross_entropy": self._loss(batch)[0]}

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Returns the mean loss of a batch in nats, and adds the batch to the training metrics."""
        loss, entropy = self._loss(batch)
        self.train_metrics.update(entropy, batch.target_lengths.sum())
        return loss

    def evaluate(self, batch: PairBatch, metrics: TranslationMetrics | WordMetrics) -> Tensor:
        """Updates the metrics with a batch, whose sentences are translated, and returns the translations [B, L]."""
        entropy, _ = self._sums(batch)
        metrics.update(entropy, batch.target_lengths.sum())
        fitting = self.trainer.state.fn == "fit"
        translations = self.translate(batch.sources, batch.source_lengths, self.fit_beam if fitting else self.beam)
        data = self.trainer.datamodule
        if isinstance(data, HasTranslations):
            references = data.references("test" if metrics is self.test_metrics else "val")
            texts = [data.translation_of(symbols) for symbols in translations.cpu()]  # one wait for a GPU, not many
            metrics.add(texts, [references[place] for place in batch.index.tolist()], batch.seen, batch.index)
        return translations

    def on_test_epoch_end(self) -> None:
        """Logs the test metrics, and says what BLEU's values depend on."""
        super().on_test_epoch_end()
        for name, signature in self.signatures().items():
            print_line(f"note     {name}: {signature}")

    def signatures(self) -> dict[str, str]:
        """Returns sacreBLEU's signature of each measure that has one."""
        return signatures() if self.scoring == "translation" else {}

    def predict_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Returns translations, with zeros behind their ends, int64 [B, length]."""
        translations = self.translate(batch.sources, batch.source_lengths, self.beam)
        return F.pad(translations, (0, self.length - translations.shape[1]))

    @torch.no_grad()
    def translate(self, sources: Tensor, lengths: Tensor, beam: int) -> Tensor:
        """Returns translations with the mark of their end, and zeros behind it, int64 [B, L].

        Args:
            sources: Symbols of sentences, int64 [B, S].
            lengths: Number of symbols of each, int64 [B].
            beam: Translations that are continued side by side.
        """
        with evaluation_mode(self), self._whole_precision():
            memory = self.encode(sources, lengths)
            limits = (2 * lengths + 10).clamp(max=self.length)
            return beam_search(self.step, memory, self.start(memory, beam), limits, beam, self.length_penalty)

    @torch.no_grad()
    def attention_to(self, sources: Tensor, lengths: Tensor, translations: Tensor) -> Tensor | None:
        """Returns attention of each symbol of translations [B, T] to those of sentences, [B, T, S]; None without."""
        with evaluation_mode(self), self._whole_precision():
            return self.attention(self.encode(sources, lengths), shifted(translations))

    def _whole_precision(self) -> AbstractContextManager:
        return torch.autocast(self.device.type, enabled=False)


def shifted(targets: Tensor) -> Tensor:
    """Returns the inputs of a decoder, whose outputs are to be targets [B, T]: the beginning, and all but the last."""
    return torch.cat([torch.full_like(targets[:, :1], BEGIN), targets[:, :-1]], 1)
