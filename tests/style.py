"""Style transfer of a few small pictures by a network of chance: what its tests share."""

from pathlib import Path

import torch
from PIL import Image

STYLE_CONFIG = """\
model:
  class_path: lightning_modules.StyleTransfer
  init_args:
    network: random:vgg16
    content_layers: {relu2_2: 1.0}
    style_layers: {relu1_1: 0.5, relu2_1: 0.5}
    optimizer:
      class_path: torch.optim.LBFGS
      init_args: {lr: 1.0, max_iter: 1, history_size: 4, tolerance_grad: 0.0, tolerance_change: 0.0}
data:
  class_path: datamodules.StylePicturesDataModule
  init_args: {source: synthetic, long_side: 48, steps: 4}
trainer: {accelerator: cpu, devices: 1, precision: 32-true, max_epochs: 2}
"""


def save_picture(path: str | Path, width: int = 48, height: int = 40, mode: str = "RGB", seed: int = 0) -> Path:
    """Saves a picture of random pixels."""
    rng = torch.Generator().manual_seed(seed)
    channels = {"RGB": 3, "RGBA": 4, "L": 1}[mode]
    pixels = torch.randint(256, (height, width, channels), dtype=torch.uint8, generator=rng)
    Image.fromarray(pixels.squeeze(-1).numpy()).save(path)
    return Path(path)
