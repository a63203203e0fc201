"""What writes texts symbol by symbol: cross-entropy of known texts, and beam search for new ones."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.ranges import check_range
from core.terminal.console import print_line
from datamodules.text.special_symbols import BEGIN, PADDING
from lightning_modules.layers.beam_search import beam_search
from lightning_modules.layers.masks import padding_mask
from lightning_modules.tasks.task import HALF_WEIGHTS, Task

WIDEST = 1000  # beam: memory grows with it, and nothing is gained beyond a dozen


class SequenceWriter(Task):
    """Cross-entropy of every symbol of a text, given what it is about and the symbols before it.

    The mean is over symbols, padding not counted. What a text is about is a memory: tensors [B, ...], which a task
    makes of sentences or pictures. A network implements `outputs`, `start`, `step` and `attention`, and has an
    `embedding` of the symbols and a `head`.

    Args:
        label_smoothing: Part of the target distribution that is spread evenly over all symbols.
        beam: Texts that are continued side by side in the search; 1 takes the most probable symbol each time.
        fit_beam: The same in the validations of a fit, which a small beam makes fast; `beam` if not given.
        length_penalty: Exponent of the length by which scores are divided (Wu et al., 2016); 0 prefers short ones.
        length: Most symbols of a text.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    embedding: nn.Embedding
    head: nn.Linear  # before the softmax
    never: ClassVar[tuple[int, ...]] = (PADDING, BEGIN)  # symbols that are not written
    changeable = ("beam", "fit_beam", "length_penalty", "length")
    lacking_formats = HALF_WEIGHTS

    def __init__(
        self,
        label_smoothing: float = 0.0,
        beam: int = 5,
        fit_beam: int | None = None,
        length_penalty: float = 1.0,
        length: int = 200,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        check_range("model.label_smoothing", label_smoothing, 0, 1, below=True)
        check_range("model.beam", beam, 1, WIDEST)
        if fit_beam is not None:
            check_range("model.fit_beam", fit_beam, 1, WIDEST)
        check_range("model.length_penalty", length_penalty)
        check_range("model.length", length, 1)
        self.label_smoothing = label_smoothing
        self.beam = beam
        self.fit_beam = beam if fit_beam is None else fit_beam
        self.length_penalty = length_penalty
        self.length = length

    @abstractmethod
    def outputs(self, memory: Any, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, D], at each place of inputs [B, T], which are known at once."""

    def head_layers(self) -> list[nn.Module]:
        """Returns the softmax, unless its weights are those of an embedding."""
        return [] if self.head.weight is self.embedding.weight else [self.head]

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the softmax's weights, also where they are those of an embedding."""
        return [self.head.weight]

    def logits(self, outputs: Tensor) -> Tensor:
        """Returns logits [..., V] of outputs [..., D]."""
        return self.head(outputs)

    @abstractmethod
    def start(self, memory: Any, beam: int) -> Any:
        """Returns the state before the first symbol: tensors [B, K, ...] for K beams."""

    @abstractmethod
    def step(self, symbols: Tensor, state: Any, memory: Any) -> tuple[Tensor, Any]:
        """Returns logits [B, K, V] of the next symbols, and the state after the given symbols [B, K].

        A search changes the logits in place, so that nothing else may hold them.
        """

    def attention(self, memory: Any, inputs: Tensor) -> Tensor | None:
        """Returns how much each place of inputs [B, T] attends to each part of the memory, [B, T, S]; or None."""
        return None

    def log_probabilities(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns log-probabilities of the symbols that are no padding, float32 [M, V].

        Args:
            outputs: [B, T, D].
            lengths: Number of symbols of each text, int64 [B].
        """
        return self.logits(outputs[padding_mask(lengths, outputs.shape[1])]).float().log_softmax(1)

    def smoothed(self, entropy: Tensor, uniform: Tensor) -> Tensor:
        """Returns the label-smoothed loss: (1 - e) cross-entropy + e cross-entropy against the uniform distribution.

        Args:
            entropy: Cross-entropy against the targets, summed over symbols.
            uniform: Cross-entropy against the uniform distribution, summed over symbols.
        """
        if not self.label_smoothing:
            return entropy
        return (1 - self.label_smoothing) * entropy + self.label_smoothing * uniform

    def on_test_epoch_end(self) -> None:
        """Logs the test metrics, and says what the values of BLEU and chrF depend on."""
        super().on_test_epoch_end()
        for name, signature in self.signatures().items():
            print_line(f"note     {name}: {signature}")

    @abstractmethod
    def signatures(self) -> dict[str, str]:
        """Returns sacreBLEU's signature of each measure that has one."""

    @torch.no_grad()
    def search(self, memory: Any, limits: Tensor, beam: int) -> Tensor:
        """Returns the most probable texts that a search finds, with the mark of their end, and zeros behind it.

        Args:
            memory: What they are about.
            limits: Most symbols of each, int64 [B].
            beam: Texts that are continued side by side.

        Returns:
            int64 [B, L].
        """
        start = self.start(memory, beam)
        return beam_search(self.step, memory, start, limits, beam, self.length_penalty, self.never)

    def padded(self, texts: Tensor) -> Tensor:
        """Returns texts [B, L] with zeros behind their ends, [B, length]."""
        return F.pad(texts, (0, self.length - texts.shape[1]))


def sums(logs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the cross-entropies against the targets and the uniform distribution, summed over symbols [M].

    Args:
        logs: Log-probabilities, [M, V].
        targets: The symbols, int64 [M].
    """
    return F.nll_loss(logs, targets, reduction="sum"), -logs.mean(1).sum()


def shifted(targets: Tensor) -> Tensor:
    """Returns the inputs of a decoder, whose outputs are to be targets [B, T]: the beginning, and all but the last."""
    return torch.cat([torch.full_like(targets[:, :1], BEGIN), targets[:, :-1]], 1)
