"""Tiny modules: adversarial, by either kind of optimization, sequence to sequence, and a writer of tunes."""

from collections.abc import Iterator
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import ExponentialLR
from torchmetrics import MeanMetric

from core.measures import Measure
from core.media import Table, Text
from datamodules.batches import TuneBatch
from lightning_modules import TransformerLM
from lightning_modules.alternating import Alternating
from lightning_modules.layers.recurrent import State
from lightning_modules.schedules import WarmupCosine
from lightning_modules.tasks.metrics import RunningMetrics
from lightning_modules.tasks.task import Task
from tests.contract.data import PairBatch, PointBatch

NOISE = 3


class Stretch(nn.Module):
    """Multiplies by a number, which a test sets to infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Returns the input, multiplied."""
        return x * self.factor


class Adversarial(LightningModule):
    """A generator of points and a discriminator between them and the data's, which logs by itself.

    Args:
        width: Width of the hidden layers.
        break_at: Optimizer step at which the generator's output becomes infinite; never if not given.
    """

    measures = (
        Measure("discriminator", "min", words="loss of the discriminator"),
        Measure("generator", "min", words="loss of the generator"),
        Measure("distance", "min", words="distance of the means"),
    )
    monitor = "val/distance"

    def __init__(self, width: int = 16, break_at: int | None = None) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.break_at = break_at
        self.generator = nn.Sequential(
            nn.Linear(NOISE, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2), Stretch()
        )
        self.discriminator = nn.Sequential(nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(width, 1))
        self.means = nn.ModuleDict(
            {name: MeanMetric(nan_strategy="disable") for name in ("discriminator", "generator")}
        )
        for mean in self.means.values():
            mean.persistent(True)  # an epoch that is resumed in its middle reports all of it
        self.distances = MeanMetric()

    def forward(self, noise: Tensor) -> Tensor:
        """Returns points [B, 2] of noise [B, N]."""
        return self.generator(noise)

    def loss(self, player: str, batch: PointBatch) -> Tensor:
        """Returns the loss of a player."""
        points = self(torch.randn(len(batch.points), NOISE, device=self.device))
        if player == "generator":
            return _as_logits(self.discriminator(points), 1.0)
        return _as_logits(self.discriminator(batch.points), 1.0) + _as_logits(self.discriminator(points.detach()), 0.0)

    def on_train_batch_start(self, batch: PointBatch, batch_idx: int) -> None:
        """Breaks the generator when it is time."""
        if self.trainer.optimizer_steps == self.break_at:
            self.generator[-1].factor = torch.inf

    def on_train_epoch_start(self) -> None:
        """Starts the epoch's means."""
        for mean in self.means.values():
            mean.reset()

    def on_train_epoch_end(self) -> None:
        """Logs the epoch's means."""
        self.log_dict({f"train/{name}": mean.compute() for name, mean in self.means.items()})

    def on_validation_epoch_start(self) -> None:
        """Starts the mean distance."""
        self.distances.reset()

    def validation_step(self, batch: PointBatch, batch_idx: int) -> None:
        """Takes the distance between the means of the batch and of as many points generated."""
        noise = torch.randn(len(batch.points), NOISE, generator=torch.Generator().manual_seed(batch_idx))
        self.distances.update((self(noise.to(self.device)).mean(0) - batch.points.mean(0)).norm())

    def on_validation_epoch_end(self) -> None:
        """Logs the mean distance."""
        self.log("val/distance", self.distances.compute())

    on_test_epoch_start = on_validation_epoch_start
    test_step = validation_step

    def on_test_epoch_end(self) -> None:
        """Logs the mean distance."""
        self.log("test/distance", self.distances.compute())

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Table]:
        """Yields a table of eight generated points."""
        points = self(torch.randn(8, NOISE, generator=rng))
        yield Table(
            name="generated", step=step, header=("x", "y"), rows=[[f"{v:g}" for v in p] for p in points.tolist()]
        )

    def predict_step(self, batch: PointBatch, batch_idx: int) -> Tensor:
        """Returns generated points."""
        return self(torch.zeros(len(batch.points), NOISE, device=self.device))


class ManuallyAdversarial(Adversarial):
    """Optimizes manually, with two optimizers and two schedules."""

    def __init__(self, width: int = 16, break_at: int | None = None) -> None:
        super().__init__(width, break_at)
        self.automatic_optimization = False

    def training_step(self, batch: PointBatch, batch_idx: int) -> None:
        """Makes a step of both players; nothing is returned."""
        schedules = self.lr_schedulers()
        for player, optimizer, schedule in zip(self.means, self.optimizers(), schedules, strict=True):
            self.toggle_optimizer(optimizer)
            loss = self.loss(player, batch)
            self.means[player].update(loss.detach())
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
            self.untoggle_optimizer(optimizer)
            schedule.step()

    def configure_optimizers(self) -> tuple[list[Optimizer], list[Any]]:
        """Returns the optimizers of discriminator and generator, and their schedules."""
        optimizers = [Adam(self.discriminator.parameters(), 0.01), Adam(self.generator.parameters(), 0.02)]
        return optimizers, [ExponentialLR(optimizer, 0.9) for optimizer in optimizers]


class AlternatelyAdversarial(Adversarial):
    """Optimizes automatically, by one optimizer for both players and one schedule."""

    player: str | None = None

    def losses(self, batch: PointBatch) -> dict[str, Tensor]:
        """Returns the losses of both players, or of the one whose turn it is."""
        return {player: self.loss(player, batch) for player in (self.means if self.player is None else [self.player])}

    def training_step(self, batch: PointBatch, batch_idx: int) -> Tensor:
        """Returns the loss of the player whose turn it is."""
        loss = self.losses(batch)[self.player]
        self.means[self.player].update(loss.detach())
        return loss

    def configure_optimizers(self) -> dict[str, Any]:
        """Returns an optimizer for both players, and its schedule."""
        players = {
            "discriminator": Adam(self.discriminator.parameters(), 0.01),
            "generator": Adam(self.generator.parameters(), 0.02),
        }
        optimizer = Alternating(players, self)
        schedule = WarmupCosine(optimizer)
        schedule.set_total_steps(self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _as_logits(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


class TokenMetrics(RunningMetrics):
    """Mean loss and share of correct tokens, over all tokens of an epoch."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.add_state("correct", torch.tensor(0))

    def update(self, logits: Tensor, batch: PairBatch, loss: Tensor) -> None:
        """Takes a batch in, weighed by its tokens."""
        self.__dict__["_update_count"] = 1
        tokens = batch.lengths.sum()
        self.loss.add_(loss.detach() * tokens)
        self.correct.add_(((logits.argmax(2) == batch.targets) & (batch.targets > 0)).sum())
        self.count.add_(tokens)

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        return {"loss": self.loss / count, "correct": self.correct / count}


class SequenceToSequence(Task):
    """An encoder and a decoder that reads the target so far.

    Args:
        vocab_size: Number of tokens; the data gives it.
        width: Size of embedding and state.
        break_at: Optimizer step at which the encoder's output becomes infinite; never if not given.
        training: What every task takes.
    """

    metrics_type = TokenMetrics
    measures = (Measure("loss", "min", words="loss"), Measure("correct", "max", unit="%", words="tokens correct"))
    monitor = "val/correct"

    def __init__(self, vocab_size: int, width: int = 8, break_at: int | None = None, **training: Any) -> None:
        super().__init__(**training)
        self.break_at = break_at
        self.embedding = nn.Embedding(vocab_size, width, padding_idx=0)
        self.encoder = nn.GRU(width, width, batch_first=True)
        self.stretch = Stretch()
        self.decoder = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, vocab_size)

    def forward(self, sources: Tensor, targets: Tensor) -> Tensor:
        """Returns logits [B, S, V] of sources and targets [B, S]; each token is computed from those before it."""
        _, state = self.encoder(self.embedding(sources))
        states, _ = self.decoder(self.embedding(targets.roll(1, 1).index_fill(1, targets.new_tensor([0]), 0)), state)
        return self.output(self.stretch(states)).float()

    def head_layers(self) -> list[nn.Module]:
        """Returns the layer that computes logits."""
        return [self.output]

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Returns the mean cross-entropy of the tokens."""
        return {"tokens": self._logits_and_loss(batch)[1]}

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Returns the loss, and adds the batch to the training metrics."""
        if self.trainer.optimizer_steps == self.break_at:
            self.stretch.factor = torch.inf
        return self._add(batch, self.train_metrics)[1]

    def evaluate(self, batch: PairBatch, metrics: TokenMetrics) -> Tensor:
        """Returns logits, and adds the batch to metrics."""
        return self._add(batch, metrics)[0]

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Text]:
        """Yields what the model makes of a sequence."""
        source = torch.arange(1, 6)[None]
        tokens = self(source, source.flip(1)).argmax(2)[0]
        text = " ".join(str(token) for token in tokens.tolist())
        yield Text(name="reversed", step=step, text=text, epoch=self.current_epoch)

    def predict_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Returns the most probable tokens."""
        return self._logits_and_loss(batch)[0].argmax(2)

    def _add(self, batch: PairBatch, metrics: TokenMetrics) -> tuple[Tensor, Tensor]:
        logits, loss = self._logits_and_loss(batch)
        metrics.update(logits, batch, loss)
        return logits, loss

    def _logits_and_loss(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        logits = self(batch.sources, batch.targets)
        return logits, cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=0)


class TuneWriter(TransformerLM):
    """A Transformer that reads tunes with marks.

    Args:
        vocab_size: Number of symbols; the data gives it.
        mark_sizes: Sizes of marks; the data gives them.
        break_at: Optimizer step at which the logits become infinite; never if not given.
        training: What every task takes.
    """

    def __init__(
        self, vocab_size: int, mark_sizes: tuple[int, ...], break_at: int | None = None, **training: Any
    ) -> None:
        super().__init__(vocab_size, 1, 8, 1, 200, 0.1, mark_sizes, **training)  # one layer, 8 wide
        self.length = 30
        self.break_at = break_at
        self.stretch = Stretch()

    def continue_from(self, state: State | None, x: Tensor) -> tuple[Tensor, State]:
        """Returns logits and the memories after inputs."""
        logits, state = super().continue_from(state, x)
        return self.stretch(logits), state

    def training_step(self, batch: TuneBatch, batch_idx: int) -> Tensor:
        """Returns the loss."""
        if self.trainer.optimizer_steps == self.break_at:
            self.stretch.factor = torch.inf
        return super().training_step(batch, batch_idx)
