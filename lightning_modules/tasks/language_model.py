"""Language modelling: predicts the next symbol of a text, and generates text."""

from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.evaluation_mode import gradients_in_evaluation
from core.measures import Measure
from core.nested_tensors import map_tensors
from core.protocols.export_forms import ExportForm
from core.protocols.writing import WritingRules, writing_rules, written_by
from datamodules.batches import CharacterBatch, TuneBatch
from lightning_modules.layers.decoding import Sampling, decode
from lightning_modules.layers.mark_embedding import MarkEmbedding
from lightning_modules.layers.recurrent import State
from lightning_modules.tasks.exported import form_of_steps
from lightning_modules.tasks.metrics import LanguageMetrics
from lightning_modules.tasks.task import Task

SymbolBatch = CharacterBatch | TuneBatch
PIECE = 10_000  # symbols of a beginning that are read at a time


class LanguageModel(Task):
    """Predicts the next symbol with cross-entropy; the recurrent state is carried from batch to batch.

    Logs `loss` (nats per symbol) and `bits` (the same in bits) under `train/`, `val/` and `test/`. The state after a
    batch is the initial state of the next batch if that continues the text, and is zero where a text begins. Gradients
    do not flow between batches. A network implements `embed` and `continue_from`; where the data marks its symbols, it
    has `mark_embedding`, whose outputs are added to the embeddings.

    A long text in a few rows has few beginnings: a network that hardly ever sees the zero state in training may never
    leave it in validation, and begins what it writes badly. With `reset` more rows begin there.

    Args:
        temperature: Divisor of the logits when text is generated; below 1 favours probable symbols, 0 always takes the
            most probable.
        top_k: Number of most probable symbols to sample from; 0 for all.
        top_p: Sample from the fewest most probable symbols whose probabilities sum to at least this.
        length: Number of symbols to generate.
        reset: Probability with which a row of a training batch begins with the zero state although it continues the
            text.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: A setting of text generation, or `reset`, is out of range.
    """

    metrics_type = LanguageMetrics
    measures = (Measure("loss", "min"), Measure("bits", "min", unit="bits a symbol"))
    monitor = "val/loss"
    changeable = ("temperature", "top_k", "top_p", "length")

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        length: int = 500,
        reset: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        self.sampling = Sampling(temperature, top_k, top_p)
        if length < 1:
            raise InputError(f"model.length is {length}: at least 1 is needed")
        if not 0 <= reset <= 1:
            raise InputError(f"model.reset is {reset:g}: a probability is needed, from 0 to 1")
        self.length = length
        self.reset = reset
        self.mark_embedding: MarkEmbedding | None = None
        self.carried: State | None = None  # the state after the last training batch; replaced, never changed in place
        self._evaluation_state: State | None = None  # the same in validation and test

    @abstractmethod
    def embed(self, symbols: Tensor) -> Tensor:
        """Returns the inputs of the first layer, [B, T, I], for symbols int64 [B, T]."""

    @abstractmethod
    def continue_from(self, state: State | None, x: Tensor) -> tuple[Tensor, State]:
        """Returns logits [B, T, V] and the state after inputs [B, T, I], from the state before them (None: zero)."""

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns the embeddings of marks, if there are any, before all other parts."""
        return sorted(super().parts_by_depth(), key=lambda part: part is not self.mark_embedding)

    def forward(self, symbols: Tensor, state: State | None = None, marks: Tensor | None = None) -> tuple[Tensor, State]:
        """Returns logits and the state after the last symbol.

        Args:
            symbols: int64 [B, T].
            state: The state before the first symbol; zero if not given.
            marks: Marks of the symbols, int64 [B, T, F], if the data has any.

        Returns:
            Logits [B, T, V] of the symbol after each input, and the state.
        """
        x = self.embed(symbols)
        if self.mark_embedding is not None:
            x = x + self.mark_embedding(marks)
        return self.continue_from(state, x)

    def _training_outputs(self, batch: SymbolBatch) -> tuple[Tensor, State]:
        """Returns the mean loss of a batch in nats, and the state after it."""
        before = None if batch.fresh else self.carried
        if self.reset and before is not None:
            drawn = torch.rand(len(batch.inputs), 1, device=batch.inputs.device, dtype=torch.float32)
            goes_on = drawn >= self.reset
            before = map_tensors(lambda rows: rows * goes_on.view(-1, *[1] * (rows.ndim - 1)), before)
        logits, state = self(batch.inputs, before, batch.marks)
        return _cross_entropy(logits, batch.targets), state

    def losses(self, batch: SymbolBatch) -> dict[str, Tensor]:
        """Returns the mean cross-entropy of a batch in nats, continuing from the last training batch's state."""
        return {"cross_entropy": self._training_outputs(batch)[0]}

    def training_step(self, batch: SymbolBatch, batch_idx: int) -> Tensor:
        """Returns the mean loss of a batch in nats, and stores the state after it for the next batch."""
        loss, state = self._training_outputs(batch)
        self.carried = map_tensors(_by_itself, state)
        self.train_metrics.update(*batch.reported(loss))
        return loss

    def evaluate(self, batch: SymbolBatch, metrics: LanguageMetrics) -> Tensor:
        """Updates the metrics with a batch and returns its mean loss in nats."""
        before = None if batch.fresh else self._evaluation_state
        logits, self._evaluation_state = self(batch.inputs, before, batch.marks)
        loss = _cross_entropy(logits, batch.targets)
        metrics.update(*batch.reported(loss))
        return loss

    def predict_step(self, batch: SymbolBatch, batch_idx: int) -> Tensor:
        """Returns continuations of texts, int64 [B, length]; the same seed gives the same continuations."""
        place = batch_idx * self.trainer.world_size + self.trainer.global_rank  # of the text among all processes' texts
        rng = written_by(self.trainer.seed, place)
        return self.write(batch.symbols, self.length, rng, writing_rules(self.trainer.datamodule, batch.symbols))

    @torch.no_grad()
    def write(self, prime: Tensor, length: int, rng: torch.Generator, rules: WritingRules | None = None) -> Tensor:
        """Generates continuations of texts, symbol by symbol.

        Args:
            prime: Beginnings of the texts, int64 [B, T].
            length: Number of symbols L to generate.
            rng: Source of randomness, on the CPU.
            rules: What may be written after these beginnings.

        Returns:
            int64 [B, L].
        """

        def marks() -> Tensor | None:
            given = None if rules is None else rules.marks()
            return None if given is None else given.to(prime.device)

        state, of_prime = None, marks()
        for begin in range(0, prime.shape[1], PIECE):  # the logits of a whole book would take gigabytes
            piece = slice(begin, begin + PIECE)
            logits, state = self(prime[:, piece], state, None if of_prime is None else of_prime[:, piece])

        def step(symbols: Tensor, state: State) -> tuple[Tensor, State]:
            return self(symbols, state, marks())

        return decode(step, logits[:, -1], state, length, self.sampling, rng, rules)

    def export_form(self, data: Any) -> ExportForm:
        """Returns one step of the model, between its states, with the vocabulary; see `core.protocols.export_forms`."""
        return form_of_steps(self, data, () if self.mark_embedding is None else data.mark_sizes)

    def gradient_norms(self, symbols: Tensor) -> Tensor:
        """Returns the gradient norm of the last prediction's loss with respect to each input, by distance.

        Args:
            symbols: int64 [B, T + 1].

        Returns:
            Entry d is the norm of the gradient with respect to the input d steps before the last, averaged over the
            batch: float32 [T].
        """
        # without dropout, whose random masks would be measured as well
        with gradients_in_evaluation(self):
            x = self.embed(symbols[:, :-1]).detach().requires_grad_()
            logits, _ = self.continue_from(None, x)
            loss = F.cross_entropy(logits[:, -1].float(), symbols[:, -1], reduction="sum")
            (gradient,) = torch.autograd.grad(loss, x)
        return gradient.float().norm(dim=2).mean(0).flip(0)

    def on_train_start(self) -> None:
        """Moves the state of a checkpoint to the device."""
        super().on_train_start()
        if self.carried is not None:
            self.carried = map_tensors(lambda tensor: tensor.to(self.device), self.carried)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Saves the carried state of all processes, rows in order, as `carried`."""
        super().on_save_checkpoint(checkpoint)
        if self.carried is not None:
            world_size = self.trainer.world_size
            checkpoint["carried"] = map_tensors(
                lambda rows: self.trainer.strategy.all_gather(rows).flatten(0, 1) if world_size > 1 else rows,
                self.carried,
            )

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores the state of this process's rows."""
        super().on_load_checkpoint(checkpoint)
        if self._trainer is not None and self._trainer.state.fn == "fit" and "carried" in checkpoint:
            rank, world_size = self._trainer.global_rank, self._trainer.world_size
            self.carried = map_tensors(lambda rows: rows.tensor_split(world_size)[rank].clone(), checkpoint["carried"])


def _by_itself(tensor: Tensor) -> Tensor:
    """Returns a tensor without what computed it; of a part of a larger one a copy, which a checkpoint would hold."""
    tensor = tensor.detach()
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Returns the mean loss in nats of logits [B, T, V] for targets [B, T]."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
