"""A tiny adversarial network on tiny pictures, a judge of brightness, and a callback that breaks the network."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from core.protocols.judges import Judge
from lightning_modules import DCGAN

GAN_CONFIG = """\
model:
  class_path: lightning_modules.DCGAN
  init_args:
    width: 4
    conditional: true
    norm: spectral
    loss: hinge
    average: 0.9
    noise_size: 8
    val_samples: 30
    test_samples: 40
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.002, betas: [0.0, 0.9]}
    lr_scheduler:
      class_path: lightning_modules.schedules.WarmupCosine
data:
  class_path: tests.tiny.TinyDataModule
  init_args: {normalization: symmetric}
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 2
  log_every_n_steps: 1
  logger: false
  callbacks:
    - class_path: tests.contract.interruptions.KilledAt
checkpoint:
  every_n_train_steps: 4
"""


def tiny_dcgan(**changes: object) -> DCGAN:
    """Returns a DCGAN for grey pictures of 8x8 pixels of three classes."""
    torch.manual_seed(0)
    settings = {"num_classes": 3, "in_channels": 1, "image_size": 8, "width": 4, "noise_size": 5}
    return DCGAN(**settings | changes)


class Brightness:
    """A judge whose features are mean and deviation of a picture's pixels, and whose class is how bright it is."""

    class_names = ("disc", "ring", "square", "triangle", "cross")
    in_channels = 3
    digest = "0123456789abcdef"
    signature = "brightness"

    def to(self, device: torch.device) -> Judge:
        """Returns the judge."""
        return self

    def __call__(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns features and classes."""
        pixels = pictures.flatten(1).float() / 255
        return torch.stack([pixels.mean(1), pixels.std(1)], 1), (pixels.mean(1) * 4.99).long()


class Means(nn.Module):
    """Features of an image: the means of its first rows, of the first channel."""

    num_features = 8

    def forward(self, images: Tensor) -> Tensor:
        """Returns features, [B, 8]."""
        return images[:, 0, :8].float().mean(2)


class KeepsBegin(Callback):
    """Writes the parameters of both players as they are before the first step to `begin.ckpt`."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes them."""
        trained = {name: one.detach() for name, one in pl_module.named_parameters() if one.requires_grad}
        torch.save(trained, "begin.ckpt")


class Breaks(Callback):
    """Makes the outputs of a layer of the generator infinite at the fourth step."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Changes the layer."""
        if trainer.optimizer_steps == 3:
            pl_module.generator.layers[0].register_forward_hook(lambda layer, inputs, output: output * torch.inf)
