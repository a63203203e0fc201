"""Word vectors: words that stand in similar company get similar vectors.

Tomáš Mikolov, Kai Chen, Greg Corrado and Jeffrey Dean, "Efficient Estimation of Word Representations in Vector Space"
(skip-gram and CBOW), 2013, arXiv:1301.3781; what they are trained by: `lightning_modules/layers/word_objectives.py`;
groups of characters: `lightning_modules/layers/character_ngrams.py`.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.protocols.general import AsksAboutWords
from core.ranges import check_range
from datamodules.words.batches import WordBatch
from lightning_modules.layers.character_ngrams import WordParts
from lightning_modules.layers.huffman import Ways, huffman_ways
from lightning_modules.layers.noise_words import NoiseWords
from lightning_modules.layers.row_gradients import RowGradient, capped, note_order, with_gradients
from lightning_modules.layers.sampled_softmax import log_uniform_sample, sampled_softmax
from lightning_modules.layers.windows import Windows
from lightning_modules.layers.word_objectives import Objective, cbow, hierarchical_softmax, skip_gram
from lightning_modules.layers.word_table import WordTable
from lightning_modules.tasks.task import without
from lightning_modules.tasks.word_vector_task import WordVectorTask


class WordVectors(WordVectorTask):
    """A table of input vectors, which are the result, and one of output vectors, which they are compared with.

    With negative sampling and with hierarchical softmax a step adds up the gradients of all pairs, for skip-grams with
    the same learning rate for each pair as in word2vec, and the gradients are sparse: the optimizer has to take these,
    as `torch.optim.SGD` does. With `cbow` each of the n words in a window gets 1 / n of the error, the gradient of
    their mean, where word2vec.c adds the whole error to each: with windows of 5, where n is about 6, input vectors
    need about six times the learning rate to go as far. The sampled softmax takes the mean over pairs.

    Args:
        vocab_size: Number of words V.
        width: Size D of a vector.
        architecture: `skip_gram` compares each word with the words around it, `cbow` with their mean.
        objective: `negative_sampling`; `hierarchical_softmax`; or `sampled_softmax`, of skip-grams, with words that are
            drawn by log-uniform probabilities for a whole batch.
        negatives: Noise words a pair; of the sampled softmax, a batch.
        shared: Noise words that neighbouring words share; each weighs `negatives / shared`.
        cap: Most pairs of a word whose gradients a step adds up; of a word with more, they are scaled to these.
        add_outputs: Whether a word's vector is the sum of its rows of both tables, instead of the input row alone.
        ngrams: Fewest and most characters of groups of characters whose vectors are added to a word's; none if empty.
        ngram_buckets: Number of vectors that groups share.
        embedding_range: Input vectors are initialised uniformly between minus and plus this; 0.5 / D if not given.
        context_std: Standard deviation of the initial output vectors, a normal distribution truncated at two of them.
        training: What `WordVectorTask` takes, such as `neighbours` and `optimizer`.

    Raises:
        InputError: A setting is out of range, or does not go with another.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int = 100,
        architecture: Literal["skip_gram", "cbow"] = "skip_gram",
        objective: Literal["negative_sampling", "hierarchical_softmax", "sampled_softmax"] = "negative_sampling",
        negatives: int = 5,
        shared: int = 64,
        cap: float = 100.0,
        add_outputs: bool = False,
        ngrams: Sequence[int] = (),
        ngram_buckets: int = 100_000,
        embedding_range: float | None = None,
        context_std: float = 0.0,
        **training: Any,
    ) -> None:
        ngrams = list(ngrams)
        is_softmax = objective == "sampled_softmax"
        if ngrams and not (len(ngrams) == 2 and 1 <= ngrams[0] <= ngrams[1]):
            raise InputError(f"model.ngrams is {ngrams}: a least and a greatest length are needed, such as [3, 6]")
        check_range("model.negatives", negatives, 1, vocab_size - 1 if is_softmax else math.inf)
        for name, value in (("width", width), ("shared", shared), ("ngram_buckets", ngram_buckets)):
            check_range(f"model.{name}", value, 1)
        check_range("model.cap", cap, above=True)
        check_range("model.embedding_range", 1 if embedding_range is None else embedding_range, above=True)
        check_range("model.context_std", context_std)
        if add_outputs and objective == "hierarchical_softmax":
            raise InputError("model.add_outputs: a hierarchical softmax has no output vectors of words")
        if is_softmax and (architecture == "cbow" or ngrams):
            raise InputError("model.objective is sampled_softmax: it is for skip-grams of whole words")
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        self.vocab_size, self.architecture, self.objective = vocab_size, architecture, objective
        self.negatives, self.shared, self.cap = negatives, shared, cap
        self.ngrams, self.ngram_buckets, self.add_outputs = ngrams, ngram_buckets, add_outputs
        rows = vocab_size + (ngram_buckets if ngrams else 0)
        kind = nn.Embedding if ngrams else WordTable  # of sums of rows no row is a word's
        self.embedding = kind(rows, width, sparse=not is_softmax)  # DDP asks the module for it
        start = 0.5 / width if embedding_range is None else embedding_range
        nn.init.uniform_(self.embedding.weight, -start, start)
        outputs = vocab_size - 1 if objective == "hierarchical_softmax" else vocab_size
        self.context = nn.Embedding(outputs, width, sparse=not is_softmax)
        if context_std:
            nn.init.trunc_normal_(self.context.weight, std=context_std, a=-2 * context_std, b=2 * context_std)
        else:
            nn.init.zeros_(self.context.weight)
        self.bias = nn.Parameter(torch.zeros(vocab_size)) if is_softmax else None
        # of the vocabulary, so that they need no place in checkpoints; not buffers, which the NaN guard copies
        self._noise: NoiseWords | None = None
        self._ways: Ways | None = None
        self._parts: WordParts | None = None

    def setup(self, stage: str) -> None:
        """Makes what follows from the words and from how often they occur.

        Raises:
            InputError: The data does not say so, or several GPUs would have to add up sparse gradients.
        """
        is_sparse, device = stage == "fit" and self.embedding.sparse, self.trainer.strategy.root_device
        if is_sparse and self.trainer.world_size > 1 and device.type == "cuda":
            raise InputError(
                "--trainer.devices: several GPUs cannot add up sparse gradients; train on one (--trainer.devices 1), "
                "or with --model.objective sampled_softmax, whose gradients are dense"
            )
        data = self.trainer.datamodule
        if isinstance(data, AsksAboutWords):
            self.learn_vocabulary(data.symbols, data.training_counts if stage == "fit" else torch.empty(0))
        elif stage == "fit":
            raise InputError(f"WordVectors needs words and their counts, which {type(data).__name__} does not give")

    def learn_vocabulary(self, words: Sequence[str], counts: Tensor) -> None:
        """Takes the words and how often each occurs in training; no counts where nothing is trained.

        Noise words and the tree follow from these counts, without the frequent words that the data leaves out, where
        Mikolov et al., 2013, and word2vec.c take those of the whole text.
        Args:
            words: All words by number.
            counts: [V], or empty.
        """
        if self.ngrams:
            self._parts = WordParts(words, *self.ngrams, self.ngram_buckets)
        if len(counts) and self.objective == "hierarchical_softmax":
            self._ways = huffman_ways(counts)
        elif len(counts):
            self._noise = NoiseWords(counts)

    def vocabulary_size(self) -> int:
        """Returns the number of words."""
        return self.vocab_size

    def vectors_of(self, words: Tensor) -> Tensor:
        """Returns the vectors of words, [N, D], by their numbers int64 [N]."""
        vectors = self._inputs_of(words)
        return vectors + self.context.weight.index_select(0, words) if self.add_outputs else vectors

    def _inputs_of(self, words: Tensor) -> Tensor:
        """Returns the input vectors of words, [N, D], by their numbers int64 [N]."""
        if not self.ngrams:
            return self.embedding.weight.index_select(0, words)
        self._parts = self._parts.to(words.device)
        return self._parts.vectors(self.embedding.weight, words)

    @property
    def composes_words(self) -> bool:
        """Whether there are vectors of words that the vocabulary lacks."""
        return bool(self.ngrams)

    def vectors_of_unknown(self, words: Sequence[str]) -> Tensor:
        """Returns the vectors of words that the vocabulary lacks, [N, D], from their groups of characters."""
        return torch.stack([self._parts.vector_of_unknown(self.embedding.weight, word) for word in words])

    def losses(self, batch: WordBatch) -> dict[str, Tensor]:
        """Returns the loss of a batch that a step minimises: the sum over pairs, of the sampled softmax the mean."""
        return {self.objective: self._training_loss(batch)[0]}

    def training_step(self, batch: WordBatch, batch_idx: int) -> Tensor:
        """Returns the loss of a batch, and adds it to the training metrics."""
        loss, total, number = self._training_loss(batch)
        self.train_metrics.update(total, number)
        return loss

    def _training_loss(self, batch: WordBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the loss that is minimised, the sum of the losses of all pairs, and their number."""
        windows = Windows(batch, self.context.weight.dtype)
        with self.whole_precision():
            if self.objective == "sampled_softmax":
                return self._sampled_softmax(windows, batch.words)
            with torch.no_grad():
                found, inputs = self._objective(windows)
                tables = [(self.embedding.weight, inputs), (self.context.weight, found.outputs)]
                tables = capped(tables, self.cap / self._parts_of_step)
            return with_gradients(found.loss, tables, self._parts_of_step), found.loss, found.number

    def on_after_backward(self) -> None:
        """Prepares gradients for the optimizer."""
        for table in (self.embedding, self.context):
            note_order(table.weight)

    @property
    def _parts_of_step(self) -> int:
        """Processes and accumulated batches, whose mean is taken, while a step is of the sum of their gradients."""
        trainer = self._trainer
        return 1 if trainer is None else trainer.world_size * trainer.accumulate_grad_batches

    def _objective(self, windows: Windows) -> tuple[Objective, RowGradient]:
        """Returns loss and gradients of a piece, and the gradient of the table of input vectors."""
        vectors = self._input_vectors(windows.around)
        table, is_cbow = self.context.weight, self.architecture == "cbow"
        if self.objective == "hierarchical_softmax":
            self._ways = self._ways.to(vectors.device)
            ways = self._ways.of(windows.own)
            found = hierarchical_softmax(windows, vectors, table, ways.nodes, ways.signs.to(table.dtype), is_cbow)
        else:
            noise = self._noise.draw(windows.blocks, self.shared, vectors.device)
            found = (cbow if is_cbow else skip_gram)(windows, vectors, table, noise, self.negatives)
        inputs = found.inputs
        if self.ngrams:
            unique, inverse = inputs.rows.unique(return_inverse=True)
            sums = inputs.values.new_zeros(len(unique), table.shape[1]).index_add_(0, inverse, inputs.values)
            counts = inputs.counts.new_zeros(len(unique)).index_add_(0, inverse, inputs.counts)
            inputs = self._parts.gradient(unique, sums, counts)
        return found, inputs

    def _input_vectors(self, words: Tensor) -> Tensor:
        """Returns the vectors of words, [N, D]; of one that stands there several times they are computed once."""
        if not self.ngrams:
            return self._inputs_of(words)
        unique, inverse = words.unique(return_inverse=True)
        return self._inputs_of(unique)[inverse]

    def _sampled_softmax(self, windows: Windows, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the losses of all different pairs of a word's place and a word in its window."""
        places, others = windows.pairs()
        pairs = (places * self.vocab_size + others).unique()
        inputs = self.embedding(words[pairs // self.vocab_size])
        sampled, draws = log_uniform_sample(self.vocab_size, self.negatives, words.device)
        targets = pairs % self.vocab_size
        mean = sampled_softmax(inputs, targets, self.context.weight, self.bias, sampled, draws)
        return mean, mean.detach() * len(pairs), torch.tensor(len(pairs), device=words.device)

    def configure_optimizers(self) -> Any:
        """Returns the optimizer and its schedule.

        Raises:
            InputError: It has momentum, which would hold all rows that were ever touched, at every step again.
        """
        configured = super().configure_optimizers()
        optimizer = configured["optimizer"] if isinstance(configured, dict) else configured
        if self.objective != "sampled_softmax" and any(group.get("momentum") for group in optimizer.param_groups):
            raise InputError("model.optimizer.momentum: gradients are sparse, and have none; set it to 0")
        return configured

    def configure_gradient_clipping(self, optimizer: Any, *clipping: Any, **options: Any) -> None:
        """Clips gradients as Lightning does, where they are not sparse.

        Raises:
            InputError: They are sparse, and are to be clipped.
        """
        if self.objective != "sampled_softmax" and any(value is not None for value in (*clipping, *options.values())):
            raise InputError("--trainer.gradient_clip_val: sparse gradients are not clipped; model.cap bounds them")
        super().configure_gradient_clipping(optimizer, *clipping, **options)
