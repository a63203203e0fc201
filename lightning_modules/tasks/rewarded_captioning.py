"""Captioning that ends with rewards: captions that the network samples itself are weighed by what they score.

Steven Rennie et al., "Self-critical Sequence Training for Image Captioning", 2017, arXiv:1612.00563; compared with the
mean of the picture's other samples: Ruotian Luo, "A Better Variant of Self-Critical Sequence Training", 2020,
arXiv:2003.09971.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from core.evaluation_mode import evaluation_mode
from core.measures import Measure
from core.nested_tensors import map_tensors
from core.protocols.captions import HasCaptions
from core.ranges import check_range
from datamodules.batches import CaptionBatch
from datamodules.captioned.encoder import words_of
from datamodules.text.special_symbols import BEGIN, END
from lightning_modules.layers.masks import padding_mask
from lightning_modules.tasks.caption_scores import CiderD, Words
from lightning_modules.tasks.captioning import Captioning, Sums
from lightning_modules.tasks.sequence_writer import shifted

LAST = "\x00end"  # a word behind the last one, so that captions that break off score less


class RewardedCaptioning(Captioning):
    """Cross-entropy, and in the last part of a run the CIDEr-D of captions that are sampled.

    A caption becomes more probable if it scores more than the picture's other samples do, and else less. Training
    then measures the cross-entropy by the first caption of each picture alone, and `reward`, the mean score. Samples
    are drawn without dropout, and nothing else is minimised then, such as a penalty of the network's own.

    Args:
        rewarded: Part of the run's steps, at its end, in which samples are rewarded; 0 for none.
        samples: Captions that are sampled of each picture then.
        training: What `Captioning` takes, such as `beam` and `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    measures = (*Captioning.measures, Measure("reward", "max", digits=3, words="CIDEr-D of sampled captions"))

    def __init__(self, rewarded: float = 0.0, samples: int = 5, **training: Any) -> None:
        super().__init__(**training)
        check_range("model.rewarded", rewarded, most=1)
        check_range("model.samples", samples, 2)
        self.rewarded = rewarded
        self.samples = samples
        self._first_step: float | None = None  # from which samples are rewarded
        self._scorer: CiderD | None = None

    def on_train_start(self) -> None:
        """Prepares the scores of samples, which the training captions give.

        Raises:
            InputError: The data has no captions, or the run no known length.
        """
        super().on_train_start()
        if not self.rewarded:
            return
        data, steps = self.trainer.datamodule, self.trainer.estimated_stepping_batches
        if not isinstance(data, HasCaptions) or steps == float("inf"):
            raise InputError("model.rewarded: needs captions by people, and a run of a known length")
        self._first_step = (1 - self.rewarded) * steps
        self._scorer = CiderD([[_ended(words_of(text)) for text in several] for several in data.references("train")])

    @property
    def is_rewarded(self) -> bool:
        """Whether the next step rewards samples."""
        return self._first_step is not None and self.trainer.optimizer_steps >= self._first_step

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        """Returns the loss of a batch, and adds the batch to the training metrics."""
        if not self.is_rewarded:
            return super().training_step(batch, batch_idx)
        loss, symbols, rewards = self._rewarded_loss(batch)
        symbols = self.trainer.strategy.reduce(symbols, reduce_op="mean")  # as `CaptionBatch.tokens`
        first = batch._replace(captions=batch.captions[:, :1], lengths=batch.lengths[:, :1])
        with torch.no_grad():
            found: Sums = self._sums(first)
        self.train_metrics.update(found.entropy, first.lengths.sum(), found.right)
        self.train_metrics.add_rewards(rewards)
        return loss / symbols

    def losses(self, batch: CaptionBatch) -> dict[str, Tensor]:
        """Returns the losses of a batch by name; that of rewards is the mean over this process's symbols.

        One process alone may ask, as for a graph, so that nothing here may wait for the others.
        """
        if not self.is_rewarded:
            return super().losses(batch)
        loss, symbols, _ = self._rewarded_loss(batch)
        return {"reward": loss / symbols}

    def _rewarded_loss(self, batch: CaptionBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the loss of sampled captions, summed over their symbols, how many these are, and scores [B, K]."""
        sampled = self.sample(batch.images)
        rewards = self._rewards(sampled, batch.index)
        others = (rewards.sum(1, keepdim=True) - rewards) / (self.samples - 1)
        lengths, captions = (sampled > 0).sum(2).flatten(), sampled.flatten(0, 1)
        memory = map_tensors(lambda tensor: tensor.repeat_interleave(self.samples, 0), self.encode(batch.images))
        real = padding_mask(lengths, captions.shape[1])
        logits = self.logits(self.outputs(memory, shifted(captions))[real]).float()
        logs = logits.index_fill(1, self._unwritten(logits.device), -torch.inf).log_softmax(1)  # they were drawn so
        entropy = F.nll_loss(logs, captions[real], reduction="none")
        weights = (rewards - others).flatten()[:, None].expand(real.shape)[real]
        return (weights * entropy).sum(), lengths.sum().float(), rewards

    @torch.no_grad()
    def sample(self, images: Tensor) -> Tensor:
        """Returns captions drawn symbol by symbol, with zeros behind their ends, int64 [B, samples, L]."""
        with evaluation_mode(self):
            memory = self.encode(images)
            state, unwritten = self.start(memory, self.samples), self._unwritten(images.device)
            symbols = torch.full((len(images), self.samples), BEGIN, device=images.device)
            is_open, written = torch.ones_like(symbols, dtype=torch.bool), []
            while len(written) < self.length and bool(is_open.any()):
                logits, state = self.step(symbols, state, memory)
                shares = logits.float().index_fill_(2, unwritten, -torch.inf).softmax(2)
                symbols = shares.flatten(0, 1).multinomial(1).view_as(symbols)
                written.append(symbols * is_open)
                is_open = is_open & (symbols != END)
        return torch.stack(written, 2)

    def _unwritten(self, device: torch.device) -> Tensor:
        """Returns the symbols that are never written, and have no probability; a GPU is waited for."""
        return torch.tensor(self.never, device=device)

    def _rewards(self, sampled: Tensor, index: Tensor) -> Tensor:
        """Returns the scores of samples [B, samples, L] of pictures of training [B]."""
        data, people = self.trainer.datamodule, self.trainer.datamodule.references("train")

        def of_picture() -> Iterator[list[float]]:
            for captions, place in zip(sampled.cpu(), index.tolist(), strict=True):
                references = [_ended(words_of(text)) for text in people[place]]
                texts = [words_of(" ".join(data.words_of(caption))) for caption in captions]
                ends = (captions == END).any(1).tolist()
                written = [_ended(words) if ends_ else words for words, ends_ in zip(texts, ends, strict=True)]
                yield self._scorer.scores(written, references)

        return torch.tensor(list(of_picture()), device=sampled.device)


def _ended(words: Words) -> list[str]:
    return [*words, LAST]
