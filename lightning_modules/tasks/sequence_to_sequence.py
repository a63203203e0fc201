"""Sequence to sequence: learns translations symbol by symbol, and translates by beam search."""

from abc import abstractmethod
from typing import Any, Literal

import torch
from torch import Tensor

from core.evaluation_mode import evaluation_mode
from core.measures import Measure
from core.protocols.translation import HasTranslations
from datamodules.batches import PairBatch
from lightning_modules.layers.masks import padding_mask
from lightning_modules.tasks.sequence_writer import SequenceWriter, shifted, sums
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


class SequenceToSequence(SequenceWriter):
    """Cross-entropy of every symbol of a translation, given the sentence and the symbols before it.

    Logs `loss` (nats a symbol, without label smoothing) and `perplexity`; in validation and test also `bleu`,
    `bleu_lower` and `chrf`, or `right` and `right_unseen`. Sentences are translated in float32, so that a translation
    does not depend on the batch that it is made in; one has at most ten symbols more than twice those of its sentence.
    A network implements `encode`, and what `SequenceWriter` asks for.

    Args:
        scoring: `translation` measures BLEU and chrF; `words` the share of outputs that are wholly right.
        training: What `SequenceWriter` takes, such as `beam` and `optimizer`.

    Raises:
        InputError: A setting is out of range, or sacrebleu is missing.
    """

    metrics_type = TokenMetrics
    measures = TRANSLATION
    monitor = "val/loss"

    def __init__(self, scoring: Literal["translation", "words"] = "translation", **training: Any) -> None:
        super().__init__(**training)
        self.scoring = scoring
        if scoring == "words":
            self.measures, self.val_metrics, self.test_metrics = WORDS, WordMetrics(), WordMetrics()
        else:
            signatures()  # refuses a missing package now and not after an epoch
            self.val_metrics, self.test_metrics = TranslationMetrics(), TranslationMetrics(intervals=True)

    @abstractmethod
    def encode(self, sources: Tensor, lengths: Tensor) -> Any:
        """Returns the memory of sentences: tensors [B, ...], of symbols int64 [B, S] and lengths [B]."""

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
        """Returns a batch's cross-entropies against the targets and the uniform distribution, summed over symbols."""
        outputs = self.outputs(self.encode(batch.sources, batch.source_lengths), shifted(batch.targets))
        logs = self.log_probabilities(outputs, batch.target_lengths)
        return sums(logs, batch.targets[padding_mask(batch.target_lengths, batch.targets.shape[1])])

    def _loss(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Returns the mean loss that is minimised, and the sum of the cross-entropy."""
        entropy, uniform = self._sums(batch)
        return self.smoothed(entropy, uniform) / batch.tokens, entropy

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

    def signatures(self) -> dict[str, str]:
        """Returns sacreBLEU's signature of each measure that has one."""
        return signatures() if self.scoring == "translation" else {}

    def predict_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Returns translations, with zeros behind their ends, int64 [B, length]."""
        translations = self.translate(batch.sources, batch.source_lengths, self.beam)
        return self.padded(translations)

    @torch.no_grad()
    def translate(self, sources: Tensor, lengths: Tensor, beam: int) -> Tensor:
        """Returns translations with the mark of their end, and zeros behind it, int64 [B, L].

        Args:
            sources: Symbols of sentences, int64 [B, S].
            lengths: Number of symbols of each, int64 [B].
            beam: Translations that are continued side by side.
        """
        with evaluation_mode(self), self.whole_precision():
            limits = (2 * lengths + 10).clamp(max=self.length)
            return self.search(self.encode(sources, lengths), limits, beam)

    @torch.no_grad()
    def attention_to(self, sources: Tensor, lengths: Tensor, translations: Tensor) -> Tensor | None:
        """Returns attention of each symbol of translations [B, T] to those of sentences, [B, T, S]; None without."""
        with evaluation_mode(self), self.whole_precision():
            return self.attention(self.encode(sources, lengths), shifted(translations))
