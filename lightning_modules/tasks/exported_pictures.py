"""Generators and painters of pictures as other programs use them: pixels come out."""

from typing import Any

import torch
from torch import Tensor, nn

from core.media import to_pixels
from core.protocols.export_forms import ExportForm, Slot
from core.protocols.general import HasClasses


class FromNoise(nn.Module):
    """A generator of pixels.

    Args:
        model: Makes pictures [B, C, H, W] from -1 to 1 of noise, and of classes if it is conditional.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, noise: Tensor, classes: Tensor | None = None) -> tuple[Tensor]:
        """Returns pictures, uint8 [B, H, W, C], of noise [B, Z] and classes [B]."""
        return (to_pixels(self.model(noise, classes), -1, 1),)


class FromPictures(nn.Module):
    """A painter of pixels.

    Args:
        model: Makes pictures of pictures [B, 3, H, W], both from 0 to 255.
        multiple: Pictures are handed to it with heights and widths that are a multiple of this, so that no size needs
            to be decided upon while an exporter follows.
    """

    def __init__(self, model: nn.Module, multiple: int) -> None:
        super().__init__()
        self.model = model
        self.multiple = multiple

    def forward(self, pictures: Tensor) -> tuple[Tensor]:
        """Returns painted pictures, uint8 [B, H, W, 3], of pictures uint8 [B, H, W, 3]."""
        height, width = pictures.shape[1:3]
        larger = self._enlarged(self._enlarged(pictures, 1), 2)
        painted = to_pixels(self.model(larger.permute(0, 3, 1, 2).float()), 0, 255)
        return (painted.index_select(1, torch.arange(height)).index_select(2, torch.arange(width)),)

    def _enlarged(self, pictures: Tensor, dim: int) -> Tensor:
        """Returns pictures whose last rows or columns are repeated until their number is a multiple."""
        size = pictures.shape[dim]
        places = torch.arange((size + self.multiple - 1) // self.multiple * self.multiple)
        return pictures.index_select(dim, places.clamp(max=size - 1))


def form_of_painting(model: nn.Module, multiple: int) -> ExportForm:
    """Returns a painter of pictures of any size as other programs use it; arguments as in `FromPictures`."""

    def examples(n: int, rng: torch.Generator) -> tuple[Tensor]:
        height, width = 21 + 5 * n, 18 + 3 * n
        return (torch.randint(0, 256, (n, height, width, 3), dtype=torch.uint8, generator=rng),)

    axes = ("batch", "height", "width", 3)
    pictures = Slot("pictures", axes, "uint8 [batch, height, width, channels], 0 to 255, red green blue")
    painted = Slot("painted", axes, "uint8, of the same size")
    return ExportForm("paintings", FromPictures(model, multiple), (pictures,), (painted,), examples)


def form_of_noise(model: Any, data: Any) -> ExportForm:
    """Returns a generator of pictures as other programs use it; they draw the noise.

    Args:
        model: A `Generator`.
        data: The data module that it was trained on, whose classes name the pictures.
    """
    model.prepare_sampler()
    size, classes = model.noise_size, model.num_classes if model.conditional else 0

    def examples(n: int, rng: torch.Generator) -> tuple[Tensor, ...]:
        noise = model.draw_noise(n, rng)
        return (noise, torch.randint(classes, (n,), generator=rng)) if classes else (noise,)

    drawn = "normal" if model.noise == "normal" else "uniform from -1 to 1"
    inputs = [Slot("noise", ("batch", size), f"float32, {drawn}")]
    if classes:
        inputs.append(Slot("classes", ("batch",), "int64, numbers of classes"))
    pictures = Slot("pictures", ("batch", "height", "width", "channels"), "uint8, 0 to 255")
    names = {"class_names": list(data.class_names)} if classes and isinstance(data, HasClasses) else {}
    return ExportForm("noise", FromNoise(model), tuple(inputs), (pictures,), examples, names)
