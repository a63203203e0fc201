"""A content picture, and one or several pictures whose style it is to be painted in.

Leon Gatys, Alexander Ecker and Matthias Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.predictions import PredictionTable
from datamodules.base.data_module import DataModule, Source
from datamodules.base.loader import Loader
from datamodules.base.sizes import check_least
from datamodules.batches import StyleBatch
from datamodules.images.drawn_scenes import brush_strokes, landscape
from datamodules.images.luminance import chroma, luminance, matched
from datamodules.images.picture import picture_size
from datamodules.images.whole_pictures import LEAST, as_batch, least_long_side, read_style, read_whole, scaled_size

DRAWN = 384, 288  # width and height of the drawn content


@dataclass
class Rounds:
    """So many iterations with the same pictures."""

    pictures: StyleBatch
    number: int

    def __len__(self) -> int:
        """Number of iterations."""
        return self.number


class SameBatch(Loader):
    """Returns one batch as often as there are iterations.

    Args:
        rounds: The pictures, and how often.
        seed: None in evaluation.
    """

    batch_size = 1

    def __init__(self, rounds: Rounds, seed: int | None = None) -> None:
        super().__init__(seed)
        self.rounds = rounds

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self.rounds)

    def __iter__(self) -> Iterator[StyleBatch]:
        """Yields the pictures, from `position` on."""
        first, self.position = self.position, 0
        for _ in range(first, len(self)):
            yield self.rounds.pictures


class StylePicturesDataModule(DataModule):
    """Pictures for style transfer by optimization: an epoch is a number of iterations on the same pictures.

    Pictures of any kind that Pillow reads are taken: upright, in colours, on white where they are transparent.

    Args:
        content: File of the picture that is to be painted.
        style: File of the picture whose style it gets, or several.
        style_weights: Weight of each style; equal if not given.
        mask: File of a grey picture that is white where the content may change, and black where it stays.
        long_side: Pixels of the longer side to which the content is scaled; its own if 0.
        style_scale: Longer side of each style picture, as a share of the content's.
        colors: `style` paints in the colours of the style; `content` works on luminance alone and keeps the content's
            colours; `content_at_end` paints in colours, of which the result keeps the luminance.
        steps: Iterations of an epoch.
        source: `auto` reads the files; `synthetic` draws a landscape and brush strokes instead.

    Raises:
        InputError: A file is missing, or a number does not make sense.
    """

    name = "style transfer"
    paths = ("content", "style", "mask")
    changeable = ("content", "style", "mask")  # may have moved: a digest tells them from others
    unit = "iterations"
    evaluation_unit = "measurements"
    stand_in = "pictures"
    image_size: tuple[int, int]

    def __init__(
        self,
        content: str | None = None,
        style: str | list[str] | None = None,
        style_weights: list[float] | None = None,
        mask: str | None = None,
        long_side: int = 512,
        style_scale: float = 1.0,
        colors: Literal["style", "content", "content_at_end"] = "style",
        steps: int = 25,
        source: Source = "auto",
    ) -> None:
        check_least(1, steps=steps)
        check_least(0, long_side=long_side)
        super().__init__("", source, 1, 1)
        self.style = [style] if isinstance(style, str) else list(style or [])
        self.content, self.mask = content, mask
        self.steps, self.colors = steps, colors
        self._check(style_weights, style_scale)
        self.shares = style_weights or [1.0] * max(1, len(self.style))
        self.style_scale = style_scale
        self.in_channels = 1 if colors == "content" else 3
        original = DRAWN if source == "synthetic" else picture_size(from_home(content))
        width, height = scaled_size(original, long_side or max(original))
        if min(width, height) < LEAST:
            name = self.origin if source == "synthetic" else content
            raise InputError(
                f"{name}: {original[0]}x{original[1]} pixels, of which {width}x{height} are too few; "
                f"--data.long_side {least_long_side(original)} or more makes it large enough"
            )
        self.image_size = height, width
        if source != "synthetic":
            self.origin = f"{content} and {', '.join(self.style)}"

    def _check(self, weights: Sequence[float] | None, style_scale: float) -> None:
        if self.source != "synthetic":
            for option, given in (("content", self.content), ("style", self.style)):
                if not given:
                    raise InputError(f"--data.{option}: a picture is needed (or --data.source synthetic)")
            for path in filter(None, (self.content, *self.style, self.mask)):
                if not from_home(path).exists():
                    raise InputError(f"{path}: no such file")
        if not style_scale > 0:
            raise InputError(f"data.style_scale is {style_scale}: it has to be above 0")
        if weights is not None and (len(weights) != max(1, len(self.style)) or min(weights) < 0 or not sum(weights)):
            raise InputError(f"data.style_weights is {weights}: one for each style picture, at least 0, not all 0")

    def load(self) -> Mapping[str, Rounds]:
        """Reads the pictures, and says what has become of them.

        Raises:
            InputError: One cannot be read, or is too small.
        """
        height, width = self.image_size
        side = round(max(height, width) * self.style_scale)
        if self.source == "synthetic":
            content = as_batch(landscape(width, height))
            styles = [as_batch(brush_strokes(*scaled_size(DRAWN, side)))]
            mask = torch.empty(0)
        else:
            content = read_whole(self.content, (width, height))
            styles = [read_style(path, side, "--data.style_scale or --data.long_side") for path in self.style]
            mask = self._read_mask((width, height))
        kept = torch.empty(0) if self.colors == "style" else chroma(content)
        if self.colors == "content":
            content = luminance(content)
            styles = [matched(luminance(style), content) for style in styles]
        shares = torch.tensor(self.shares) / sum(self.shares)
        pictures = StyleBatch(content, styles, shares, mask, kept)
        return {"train": Rounds(pictures, self.steps), "val": Rounds(pictures, 1), "test": Rounds(pictures, 1)}

    def _read_mask(self, size: tuple[int, int]) -> Tensor:
        if self.mask is None:
            return torch.empty(0)
        mask = read_whole(self.mask, size, 1) / 255
        if not mask.any():
            raise InputError(f"{self.mask}: black all over, so that nothing may change")
        return mask

    def train_dataloader(self) -> SameBatch:
        """Returns the loader of the iterations of an epoch, at the one at which a resumed run continues.

        Raises:
            InputError: There are several devices.
        """
        if self.trainer.world_size > 1:
            raise InputError("--trainer.devices: one picture is trained on one device")
        return self.resumed(self._loader("train", self.trainer.seed))

    def val_dataloader(self) -> SameBatch:
        """Returns the loader of a measurement."""
        return self._loader("val")

    def test_dataloader(self) -> SameBatch:
        """Returns the loader of a measurement."""
        return self._loader("test")

    def predict_dataloader(self) -> SameBatch:
        """Returns the loader of one batch.

        Raises:
            InputError: Files are given to predict.
        """
        if self.inputs:
            raise InputError(
                "--input: this run has made one picture, and can make no others; fast_style.yaml trains a network that "
                "does"
            )
        return self._loader("test")

    def _loader(self, part: str, seed: int | None = None) -> SameBatch:
        rounds = self.splits[part]
        device = self.trainer.strategy.root_device
        pictures = StyleBatch(*(_moved(value, device) for value in rounds.pictures))
        return self.keep(part, SameBatch(Rounds(pictures, rounds.number), seed))

    def sample(self, count: int) -> Tensor:
        """Returns the content, float32 [1, C, H, W], from which the picture starts."""
        return self.splits["train"].pictures.content

    def prediction_names(self) -> list[str]:
        """Returns the name of the one picture."""
        return ["picture"]

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of the picture's size.

        Args:
            names: Its name.
            outputs: The picture, [1, H, W, 3].
        """
        row = (names[0], str(outputs.shape[2]), str(outputs.shape[1]))
        return PredictionTable(("picture", "width", "height"), [row])


def _moved(value: Tensor | list[Tensor], device: torch.device) -> Tensor | list[Tensor]:
    return [one.to(device) for one in value] if isinstance(value, list) else value.to(device)
