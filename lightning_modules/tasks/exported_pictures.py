"""Generators of pictures as other programs use them: pixels come out."""

from typing import Any

import torch
from torch import Tensor, nn

from core.export_forms import ExportForm, Slot
from core.media import to_pixels
from core.protocols import HasClasses


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
