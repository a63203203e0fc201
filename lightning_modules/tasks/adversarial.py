"""Adversarial networks: a generator makes pictures of noise, and a discriminator tells them from the data's."""

from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.optim import Optimizer

from core.errors import InputError
from core.randomness import generator
from core.ranges import check_range
from lightning_modules.alternating import Alternating
from lightning_modules.layers.adversarial_losses import (
    AdversarialLoss,
    between,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)
from lightning_modules.tasks.judged_generator import JudgedGenerator
from lightning_modules.tasks.parameter_groups import weights_of
from lightning_modules.tasks.sample_metrics import LOSSES, OF_SAMPLES, PLAYERS, PlayerMetrics, SampleMetrics


class AdversarialTask(JudgedGenerator):
    """Trains a generator and a discriminator in turns: in every batch the discriminator, then the generator.

    Logs `discriminator` and `generator`, their losses, and in validation and test what a judge measures. The optimizer
    is made once for each player. A network gives both to `take_players`; the discriminator gives scores [B] to
    pictures [B, C, H, W] and, if it is conditional, their classes [B].

    Args:
        loss: What the players minimise. `wasserstein` needs a discriminator of bounded slope: a penalty, or spectral
            norms where a network has them.
        real_target: What the discriminator is to take real pictures for; 0.9 smooths their label.
        r1: Weight of R1, which keeps the discriminator flat at real pictures.
        gradient_penalty: Weight of the penalty on gradients between real and generated pictures.
        penalty_every: Batches from one penalty to the next, over the run; its weight is multiplied by them.
        discriminator_steps: Batches from one step of the generator to the next, over the run; the discriminator makes
            one in each.
        at_once: Whether both players move at once, so that neither knows of the other's step.
        discriminator_lr_factor: Factor on the discriminator's learning rate.
        noise_per_image: Whether a training picture always comes with the same noise, as in some published code.
        training: What `JudgedGenerator`, `Generator` and `Task` take, such as `judge` and `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    metrics_type = PlayerMetrics
    measures = (*LOSSES, *OF_SAMPLES)
    player: str | None = None  # set by Alternating
    discriminator: nn.Module

    def __init__(
        self,
        loss: AdversarialLoss = "non_saturating",
        real_target: float = 1.0,
        r1: float = 0.0,
        gradient_penalty: float = 0.0,
        penalty_every: int = 1,
        discriminator_steps: int = 1,
        at_once: bool = False,
        discriminator_lr_factor: float = 1.0,
        noise_per_image: bool = False,
        **training: Any,
    ) -> None:
        check_range("model.real_target", real_target, 0.5, 1)
        check_range("model.r1", r1)
        check_range("model.gradient_penalty", gradient_penalty)
        check_range("model.penalty_every", penalty_every, 1)
        check_range("model.discriminator_steps", discriminator_steps, 1)
        check_range("model.discriminator_lr_factor", discriminator_lr_factor, above=True)
        if r1 and gradient_penalty:
            raise InputError("model.r1 and model.gradient_penalty: give one of the two")
        if loss in ("hinge", "wasserstein") and real_target != 1:
            raise InputError(f"model.real_target is {real_target}: the {loss} loss has no targets to smooth")
        super().__init__(**training)
        self.loss = loss
        self.real_target = real_target
        self.penalty = r1 or gradient_penalty
        self.is_r1 = r1 > 0
        self.penalty_every = penalty_every
        self.discriminator_steps = discriminator_steps
        self.at_once = at_once
        self.discriminator_lr_factor = discriminator_lr_factor
        self.noise_per_image = noise_per_image
        self._noises = torch.empty(0)  # of all training pictures

    def take_players(self, generator_network: nn.Module, discriminator: nn.Module, outputs: list[nn.Module]) -> None:
        """Takes both networks, and which of their layers give pictures and scores."""
        self.take_generator(generator_network)
        self.discriminator = discriminator
        self._outputs = outputs

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the weights that give pictures and scores."""
        return weights_of(self._outputs)

    def setup(self, stage: str) -> None:
        """Checks that a new run with a Wasserstein loss bounds the slope of its discriminator.

        Raises:
            InputError: It does not.
        """
        super().setup(stage)
        is_new = stage == "fit" and not getattr(self.trainer, "goes_on", False)
        is_bounded = self.penalty > 0 or any(is_parametrized(layer) for layer in self.discriminator.modules())
        if is_new and self.loss == "wasserstein" and not is_bounded:
            raise InputError(
                "model.loss is wasserstein: it grows without end unless the discriminator's slope is bounded; set "
                "model.gradient_penalty, such as 10, with model.norm none, or model.norm spectral, where the network "
                "has norms"
            )

    def on_train_start(self) -> None:
        """Draws the noise of each training picture, if it stays the same."""
        super().on_train_start()
        if self.noise_per_image:
            count = self.trainer.datamodule.sizes["train"]
            self._noises = self.draw_noise(count, generator(self.trainer.seed, "noise per image"))

    def moves(self, player: str) -> bool:
        """Returns whether a player has a turn in the batch that is being trained on."""
        return player == "discriminator" or (self.trainer.optimizer_steps + 1) % self.discriminator_steps == 0

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Returns the losses of the player whose turn it is, whose sum is minimised; of both outside of a step."""
        classes = batch.targets if self.conditional else None
        noise = self._noises[batch.index] if self.noise_per_image else self.draw_noise(len(batch.images))
        generated = self.generator(noise, classes)
        losses = {}
        if self.player != "generator":
            losses |= self._losses_of_discriminator(batch.images, generated.detach(), classes)
        if self.player != "discriminator":
            losses["generator"] = generator_loss(self.loss, self.scores(generated, classes))
        return losses

    def scores(self, images: Tensor, classes: Tensor | None) -> Tensor:
        """Returns the discriminator's scores, float32 [B]."""
        return self.discriminator(images, classes).float()

    def _losses_of_discriminator(self, real: Tensor, generated: Tensor, classes: Tensor | None) -> dict[str, Tensor]:
        is_due = self.penalty > 0 and self.trainer.optimizer_steps % self.penalty_every == 0
        if is_due and self.is_r1:
            real = real.detach().requires_grad_()
        of_real = self.scores(real, classes)
        losses = {
            "discriminator": discriminator_loss(self.loss, of_real, self.scores(generated, classes), self.real_target)
        }
        if is_due:
            weight = self.penalty * self.penalty_every
            if self.is_r1:
                losses["penalty"] = weight * r1_penalty(of_real, real)
            else:
                mixed = between(real, generated).requires_grad_()
                losses["penalty"] = weight * gradient_penalty(self.scores(mixed, classes), mixed)
        return losses

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Returns the loss of the player whose turn it is, and adds it to the training metrics."""
        losses = self.losses(batch)
        self.train_metrics.update(self.player, losses[self.player], len(batch.images))
        return reduce(add, losses.values())

    def evaluate(self, batch: Any, metrics: SampleMetrics) -> Tensor:
        """Makes and measures samples, and adds the players' losses to the metrics; returns the samples."""
        samples = super().evaluate(batch, metrics)
        if count := len(samples):
            real, targets = batch.images[:count], batch.targets[:count] if self.conditional else None
            scores = self.scores(samples, targets)
            of_real = self.scores(real, targets)
            for player, loss in zip(
                PLAYERS,
                (discriminator_loss(self.loss, of_real, scores, self.real_target), generator_loss(self.loss, scores)),
                strict=True,
            ):
                metrics.update(player, loss, count)
        return samples

    def configure_optimizers(self) -> Optimizer | dict:
        """Returns one optimizer for both players, and its schedule."""
        players = {
            "discriminator": self.optimizer_of(self.discriminator),
            "generator": self.optimizer_of(self.generator),
        }
        for group in players["discriminator"].param_groups:
            group["lr"] *= self.discriminator_lr_factor
        optimizer = Alternating(players, self, self.moves, self.at_once)
        if self.average is not None:
            optimizer.register_step_post_hook(self._average_step)
        return self.with_schedule(optimizer)

    def _average_step(self, *_: Any) -> None:
        """Averages within the step, before anything is saved."""
        if self.moves("generator"):
            self.update_average(self.trainer.optimizer_steps)
