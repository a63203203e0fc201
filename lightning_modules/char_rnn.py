"""Recurrent language model of characters: it reads a text, says what comes next, and so can write.

Tomáš Mikolov et al., "Recurrent neural network based language model", Interspeech 2010; Ilya Sutskever, James Martens
and Geoffrey Hinton, "Generating Text with Recurrent Neural Networks", ICML 2011. Dropout between layers: Wojciech
Zaremba, Ilya Sutskever and Oriol Vinyals, 2014, arXiv:1409.2329. Tied weights: Ofir Press and Lior Wolf, 2016,
arXiv:1608.05859. Nucleus (top-p) sampling: Ari Holtzman et al., 2019, arXiv:1904.09751.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.evaluation_mode import evaluation_mode
from core.measures import Measure
from core.randomness import generator
from datamodules.batches import CharacterBatch
from lightning_modules.layers.recurrent import Recurrent, State
from lightning_modules.tasks.metrics import LanguageMetrics
from lightning_modules.tasks.task import Task, without


class CharRNN(Task):
    """Embedding or one-hot input, recurrent layers, a softmax over the symbols.

    Logs `loss` (nats a symbol) and `bits` (the same in bits) under `train/`, `val/` and `test/`. The state is carried
    from batch to batch where the text goes on, and is empty where it begins anew; gradients do not pass from batch to
    batch.

    Args:
        vocab_size: Number of symbols V.
        cell: Kind of recurrent layer; `scratch` is an LSTM written out gate by gate, `peephole` its gates see the cell.
        layers: Number of recurrent layers.
        hidden: Units H of each.
        dropout: Share of each layer's outputs that is dropped in training.
        embedding: Width of the input embedding; 0 feeds one-hot symbols.
        tie_weights: Whether the softmax uses the embedding's weights; it must then be as wide as a layer.
        initializer: How recurrent weights start; see `Recurrent`.
        forget_bias: What the forget gates' biases start from.
        head_std: Standard deviation of the softmax's weights at the start, cut at two; torch's own if 0.
        temperature: Of what is written: below 1 likelier symbols are preferred, 0 always takes the likeliest.
        top_k: Writes one of so many likeliest symbols; 0 for any.
        top_p: Writes one of the likeliest symbols that have so much probability together.
        length: Symbols to write.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: A size or a setting of what is written is out of range.
    """

    metrics_type = LanguageMetrics
    measures = (Measure("loss", "min"), Measure("bits", "min", unit="bits a symbol"))
    monitor = "val/loss"
    changeable = ("temperature", "top_k", "top_p", "length")

    def __init__(
        self,
        vocab_size: int,
        cell: Literal["rnn", "gru", "lstm", "scratch", "peephole"] = "lstm",
        layers: int = 2,
        hidden: int = 512,
        dropout: float = 0.0,
        embedding: int = 0,
        tie_weights: bool = False,
        initializer: Literal["default", "glorot", "orthogonal"] = "default",
        forget_bias: float = 0.0,
        head_std: float = 0.0,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        length: int = 500,
        **training: Any,
    ) -> None:
        for name, value, fits in (
            ("layers", layers, layers >= 1),
            ("hidden", hidden, hidden >= 1),
            ("dropout", dropout, 0 <= dropout < 1),
            ("embedding", embedding, embedding >= 0),
            ("temperature", temperature, temperature >= 0),
            ("top_k", top_k, top_k >= 0),
            ("top_p", top_p, 0 < top_p <= 1),
            ("length", length, length >= 1),
        ):
            if not fits:
                raise InputError(f"model.{name} is {value}: out of range")
        if tie_weights and embedding != hidden:
            raise InputError(
                f"model.tie_weights: the embedding is {embedding} wide and a layer {hidden}; set model.embedding to "
                f"{hidden}"
            )
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        self.vocab_size = vocab_size
        self.temperature, self.top_k, self.top_p, self.length = temperature, top_k, top_p, length
        self.embedding = nn.Embedding(vocab_size, embedding) if embedding else None
        self.recurrent = Recurrent(
            cell, embedding or vocab_size, hidden, layers, dropout, initializer=initializer, forget_bias=forget_bias
        )
        self.head = nn.Linear(hidden, vocab_size)
        if head_std:
            nn.init.trunc_normal_(self.head.weight, std=head_std, a=-2 * head_std, b=2 * head_std)
            nn.init.zeros_(self.head.bias)
        if tie_weights:
            nn.init.normal_(self.embedding.weight, std=hidden**-0.5)  # so that logits start near 1 in size
            self.head.weight = self.embedding.weight
        self.carried: State | None = None  # the state after the last training batch; replaced, never changed in place
        self._read: State | None = None  # the same in validation and test

    def forward(self, symbols: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Returns logits and the state after them.

        Args:
            symbols: int64 [B, T].
            state: The state before them; empty if not given.

        Returns:
            Logits [B, T, V] of what follows each symbol, and the state.
        """
        return self._read_on(self._embed(symbols), state)

    def _embed(self, symbols: Tensor) -> Tensor:
        """Returns what the first layer is fed, [B, T, I]."""
        if self.embedding is None:
            return F.one_hot(symbols, self.vocab_size).to(self.head.weight.dtype)
        return self.embedding(symbols)

    def _read_on(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        outputs, state = self.recurrent(x, state)  # [B, T, H]
        return self.head(outputs), state

    def _training_outputs(self, batch: CharacterBatch) -> tuple[Tensor, State]:
        """Returns the mean loss of a batch in nats, and the state after it."""
        logits, state = self(batch.inputs, None if batch.fresh else self.carried)
        return _cross_entropy(logits, batch.targets), state

    def losses(self, batch: CharacterBatch) -> dict[str, Tensor]:
        """Returns the mean cross-entropy of a batch in nats, read on from the state after the latest training batch."""
        return {"cross_entropy": self._training_outputs(batch)[0]}

    def training_step(self, batch: CharacterBatch, batch_idx: int) -> Tensor:
        """Returns the mean loss of a batch in nats, and keeps the state after it for the next batch."""
        loss, state = self._training_outputs(batch)
        self.carried = _map(state, Tensor.detach)
        self.train_metrics.update(loss, batch.targets.numel())
        return loss

    def evaluate(self, batch: CharacterBatch, metrics: LanguageMetrics) -> Tensor:
        """Takes a batch into metrics, and returns its mean loss in nats."""
        logits, self._read = self(batch.inputs, None if batch.fresh else self._read)
        loss = _cross_entropy(logits, batch.targets)
        metrics.update(loss, batch.targets.numel())
        return loss

    def predict_step(self, batch: CharacterBatch, batch_idx: int) -> Tensor:
        """Returns how texts go on, int64 [B, length]; the same text goes on in the same way under one seed."""
        rng = generator(self.trainer.seed, "write", batch_idx, self.trainer.global_rank)
        return self.write(batch.symbols, self.length, rng)

    @torch.no_grad()
    def write(self, prime: Tensor, length: int, rng: torch.Generator) -> Tensor:
        """Goes on with texts, symbol by symbol.

        Args:
            prime: How they begin, int64 [B, T].
            length: Number of symbols L to write.
            rng: Source of randomness, on the CPU.

        Returns:
            int64 [B, L].
        """
        logits, state = self(prime)
        written = []
        for _ in range(length):
            weights = self._weights(logits[:, -1].float()).cpu()
            written.append(torch.multinomial(weights, 1, generator=rng).to(prime.device))
            logits, state = self(written[-1], state)
        return torch.cat(written, 1)

    def _weights(self, logits: Tensor) -> Tensor:
        """Returns the weight of each symbol to be written next, [B, V], of logits [B, V]."""
        if self.temperature == 0:
            return F.one_hot(logits.argmax(1), self.vocab_size).float()
        weights = (logits / self.temperature).softmax(1)
        ordered, places = weights.sort(1, descending=True)
        out = ordered.cumsum(1) - ordered >= self.top_p  # those before it are enough already
        if self.top_k:
            out[:, self.top_k :] = True
        return weights.masked_fill(out.gather(1, places.argsort(1)), 0.0)

    def gradient_norms(self, symbols: Tensor) -> Tensor:
        """Returns how strongly the loss of the last prediction depends on each input, by its distance.

        Args:
            symbols: int64 [B, T + 1].

        Returns:
            Norm of the gradient with respect to the input so many steps before the last, averaged over the batch:
            float32 [T], from distance 0.
        """
        # without dropout, whose draws would be seen as well
        with evaluation_mode(self), torch.inference_mode(False), torch.enable_grad():
            x = self._embed(symbols[:, :-1]).detach().requires_grad_()
            logits, _ = self._read_on(x, None)
            loss = F.cross_entropy(logits[:, -1].float(), symbols[:, -1], reduction="sum")
            (gradient,) = torch.autograd.grad(loss, x)
        return gradient.float().norm(dim=2).mean(0).flip(0)

    def on_train_start(self) -> None:
        """Brings the state of a checkpoint to the device."""
        super().on_train_start()
        if self.carried is not None:
            self.carried = _map(self.carried, lambda tensor: tensor.to(self.device))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps the carried state of all processes, rows in order."""
        super().on_save_checkpoint(checkpoint)
        if self.carried is not None:
            world_size = self.trainer.world_size
            checkpoint["carried"] = _map(
                self.carried,
                lambda rows: self.trainer.strategy.all_gather(rows).flatten(0, 1) if world_size > 1 else rows,
            )

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes up the state of this process's rows."""
        super().on_load_checkpoint(checkpoint)
        if self._trainer is not None and self._trainer.state.fn == "fit" and "carried" in checkpoint:
            rank, world_size = self._trainer.global_rank, self._trainer.world_size
            self.carried = _map(checkpoint["carried"], lambda rows: rows.tensor_split(world_size)[rank].clone())


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Returns the mean loss in nats of logits [B, T, V] for targets [B, T]."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def _map(state: State, change: Callable[[Tensor], Tensor]) -> State:
    """Returns a state of changed tensors."""
    return [tuple(change(tensor) for tensor in layer) for layer in state]
