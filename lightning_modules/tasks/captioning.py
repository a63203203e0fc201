"""Captioning: learns what people say of pictures symbol by symbol, and describes pictures by beam search."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from core.evaluation_mode import evaluation_mode
from core.measures import Measure
from core.media import Medium, Table
from core.nested_tensors import map_tensors
from core.protocols.captions import HasCaptions
from datamodules.batches import CaptionBatch
from datamodules.captioned.encoder import words_of
from datamodules.text.special_symbols import BEGIN, PADDING, UNKNOWN
from lightning_modules.layers.masks import padding_mask
from lightning_modules.tasks.caption_controls import COMPARED, KEPT, controls, language_alone
from lightning_modules.tasks.caption_metrics import CaptionMetrics
from lightning_modules.tasks.caption_scores import Words, scores, signatures
from lightning_modules.tasks.sequence_writer import SequenceWriter, shifted, sums
from lightning_modules.tasks.task import OTHER_WEIGHTS


class Sums(NamedTuple):
    """What a batch sums to.

    Attributes:
        entropy: Cross-entropy of its symbols.
        uniform: Cross-entropy against the uniform distribution.
        right: Number of symbols that are the most probable ones.
        penalty: What is minimised beside the cross-entropy; None for nothing.
    """

    entropy: Tensor
    uniform: Tensor
    right: Tensor
    penalty: Tensor | None


class Captioning(SequenceWriter):
    """Cross-entropy of every symbol of captions, given the picture and the symbols before it.

    Logs `loss` (nats a symbol, without label smoothing), `perplexity` and `acc`; in validation and test also scores of
    the captions that a beam search writes, without the unknown word, against all captions by people: in the
    validations of a fit `bleu4` and `cider_d`, else also `bleu1` to `bleu3`, `chrf`, `new` (the share of captions that
    training lacks) and the scores of captions of other pictures, which is what language alone gives. A test compares
    them with a constant caption, one of the nearest training picture, and a person. A network implements `encode`, and
    what `SequenceWriter` asks for.

    Args:
        beam: Captions that are continued side by side in the search; 1 takes the most probable word each time.
        length: Most symbols of a caption that is written.
        training: What `SequenceWriter` takes, such as `label_smoothing` and `optimizer`.

    Raises:
        InputError: A setting is out of range, or sacrebleu is missing.
    """

    metrics_type = CaptionMetrics
    lacking_formats = OTHER_WEIGHTS
    measures = (
        Measure("loss", "min"),
        Measure("perplexity", "min", digits=2, words="perplexity"),
        Measure("acc", "max", unit="%", digits=2, words="right words, given those before"),
        *(Measure(f"bleu{n}", "max", digits=2, words=f"BLEU-{n}") for n in range(1, 5)),
        Measure("chrf", "max", digits=2, words="chrF"),
        Measure("cider_d", "max", digits=3, words="CIDEr-D"),
        Measure("new", "max", unit="%", digits=1, words="captions that training lacks"),
        *(Measure(f"bleu4_{kind}", "max", digits=2, words=f"BLEU-4, {words}") for kind, words in COMPARED.items()),
        *(Measure(f"cider_d_{kind}", "max", digits=3, words=f"CIDEr-D, {words}") for kind, words in COMPARED.items()),
    )
    monitor = "val/cider_d"
    never = (PADDING, UNKNOWN, BEGIN)

    def __init__(self, beam: int = 3, length: int = 30, **training: Any) -> None:
        super().__init__(beam=beam, length=length, **training)
        signatures(1)  # refuses a missing package now and not after an epoch

    @abstractmethod
    def encode(self, images: Tensor) -> Any:
        """Returns the memory of pictures: tensors [B, ...], of pictures or features as batches have them."""

    @property
    def features(self) -> Callable[[Tensor], Tensor] | None:
        """Makes of pictures [B, ...] the vectors [B, D] by which likeness is judged; None if none are worth it."""
        return None

    def outputs_and_penalty(self, memory: Any, inputs: Tensor, real: Tensor) -> tuple[Tensor, Tensor | None]:
        """Returns what logits are computed from, [B, T, D], and what is minimised beside the cross-entropy.

        That is nothing, unless a network has a penalty of its own.

        Args:
            memory: What is known of each caption's picture.
            inputs: Symbols of captions, int64 [B, T].
            real: Which of their places are no padding, bool [B, T].
        """
        return self.outputs(memory, inputs), None

    def forward(self, images: Tensor, captions: Tensor) -> Tensor:
        """Returns logits of every symbol of captions, computed from the symbols before it.

        Args:
            images: Pictures or features, [B, ...].
            captions: Symbols, int64 [B, T].

        Returns:
            [B, T, V].
        """
        return self.logits(self.outputs(self.encode(images), shifted(captions)))

    def _sums(self, batch: CaptionBatch) -> Sums:
        each, lengths = batch.captions.shape[1], batch.lengths.flatten()
        memory = self.encode(batch.images)
        if each > 1:
            memory = map_tensors(lambda tensor: tensor.repeat_interleave(each, 0), memory)
        captions = batch.captions.flatten(0, 1)
        real = padding_mask(lengths, captions.shape[1])
        outputs, penalty = self.outputs_and_penalty(memory, shifted(captions), real)
        logs, targets = self.log_probabilities(outputs, lengths), captions[real]
        return Sums(*sums(logs, targets), (logs.detach().argmax(1) == targets).sum(), penalty)

    def _losses(self, batch: CaptionBatch) -> tuple[dict[str, Tensor], Sums]:
        found = self._sums(batch)
        losses = {"cross_entropy": self.smoothed(found.entropy, found.uniform) / batch.tokens}
        return losses if found.penalty is None else losses | {"attention": found.penalty}, found

    def losses(self, batch: CaptionBatch) -> dict[str, Tensor]:
        """Returns the mean cross-entropy of a batch's symbols in nats, with label smoothing, and a penalty, if any."""
        return self._losses(batch)[0]

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        """Returns the sum of the losses of a batch, and adds the batch to the training metrics."""
        losses, found = self._losses(batch)
        self.train_metrics.update(found.entropy, batch.lengths.sum(), found.right)
        return sum(losses.values())

    def evaluate(self, batch: CaptionBatch, metrics: CaptionMetrics) -> Tensor:
        """Updates the metrics with a batch, whose pictures are described, and returns the captions [B, length]."""
        found = self._sums(batch)
        metrics.update(found.entropy, batch.lengths.sum(), found.right)
        fitting = self.trainer.state.fn == "fit"
        captions = self.padded(self.describe(batch.images, self.fit_beam if fitting else self.beam))
        metrics.add(captions, batch.index)
        return captions

    def _log(self, part: str, metrics: CaptionMetrics) -> None:
        """Logs the metrics of an epoch, with the scores of the captions that were written in it."""
        super()._log(part, metrics)
        data = self.trainer.datamodule
        if part == "train" or metrics.written is None or not isinstance(data, HasCaptions):
            return
        places = metrics.written[:, 0].tolist()
        captions = [words_of(" ".join(data.words_of(symbols))) for symbols in metrics.written[:, 1:]]
        people = data.references(part)
        references = [[words_of(text) for text in people[place]] for place in places]
        fitting = self.trainer.state.fn == "fit"
        found = scores(captions, references, chrf=not fitting)
        if fitting:
            found = {name: found[name] for name in KEPT}
        else:
            known = {tuple(words_of(text)) for several in data.references("train") for text in several}
            found["new"] = sum(tuple(words) not in known for words in captions) / len(captions)
            found |= language_alone(captions, references)
        if part == "test":
            found |= controls(captions, references, self._neighbours(data, places))
        self.log_dict({f"{part}/{name}": value for name, value in found.items()})

    def _neighbours(self, data: HasCaptions, places: Sequence[int]) -> list[Words] | None:
        """Returns the words of the first caption of the training picture that is most like each test picture.

        None, if the network has no features that are worth it.
        """
        features = self.features
        if features is None:
            return None
        vectors = []
        for part, chosen in (("train", range(len(data.picture_names("train")))), ("test", places)):
            some = torch.tensor(chosen).split(256)
            found = [features(data.batch_of(part, few).images.to(self.device)) for few in some]
            vectors.append(F.normalize(torch.cat(found).float(), dim=1))
        texts = data.references("train")
        return [words_of(texts[place][0]) for place in (vectors[1] @ vectors[0].T).argmax(1).tolist()]

    def signatures(self) -> dict[str, str]:
        """Returns sacreBLEU's signature of each measure that has one."""
        data = self.trainer.datamodule
        return signatures(max(map(len, data.references("test")), default=1)) if isinstance(data, HasCaptions) else {}

    def media_after_test(self, step: int) -> Iterable[Medium]:
        """Yields a table of the test pictures with their captions, and those by people."""
        data, written = self.trainer.datamodule, self.test_metrics.written
        if written is None or not isinstance(data, HasCaptions):
            return
        names, people = data.picture_names("test"), data.references("test")
        rows = [
            [names[place], " ".join(data.words_of(symbols)), " | ".join(people[place])]
            for place, symbols in zip(written[:, 0].tolist(), written[:, 1:], strict=True)
        ]
        yield Table(name="test_captions", step=step, header=["picture", "caption", "captions by people"], rows=rows)

    def predict_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        """Returns captions, with zeros behind their ends, int64 [B, length]."""
        return self.padded(self.describe(batch.images, self.beam))

    @torch.no_grad()
    def describe(self, images: Tensor, beam: int) -> Tensor:
        """Returns captions with the mark of their end, and zeros behind it, int64 [B, L].

        Args:
            images: Pictures or features, as batches have them, [B, ...].
            beam: Captions that are continued side by side.
        """
        with evaluation_mode(self), self.whole_precision():
            limits = torch.full((len(images),), self.length, device=images.device)
            return self.search(self.encode(images), limits, beam)

    @torch.no_grad()
    def attention_to(self, images: Tensor, captions: Tensor) -> Tensor | None:
        """Returns attention of each symbol of captions [B, T] to places of the pictures, [B, T, H, W]; None without."""
        with evaluation_mode(self), self.whole_precision():
            weights = self.attention(self.encode(images), shifted(captions))
        if weights is None:
            return None
        side = int(weights.shape[2] ** 0.5)
        return weights[:, :, : side * side].unflatten(2, (side, side))
