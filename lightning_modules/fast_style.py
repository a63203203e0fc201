"""Style transfer by a network that is trained for one style, and then paints any picture in a moment.

Justin Johnson, Alexandre Alahi and Li Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
ECCV 2016. With instance norms (Dmitry Ulyanov et al., 2016, arXiv:1607.08022) and enlargement by nearest neighbours,
which leaves no checkerboard (Augustus Odena et al., 2016).
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from core.errors import InputError
from core.media import Grid, Medium, to_pixels
from core.protocols.export_forms import ExportForm
from core.protocols.pictures import NormalizesImages
from core.ranges import check_range
from datamodules.base.data_module import DataModule
from datamodules.base.digest import digest_of
from datamodules.batches import UnlabelledImageBatch
from datamodules.images.drawn_scenes import brush_strokes
from datamodules.images.whole_pictures import as_batch, read_style
from lightning_modules.layers.deterministic import ReflectingConv2d
from lightning_modules.layers.style_losses import Targets, full, total_variation
from lightning_modules.style_networks import make_style_network
from lightning_modules.tasks.exported_pictures import form_of_painting
from lightning_modules.tasks.metrics import RunningMetrics
from lightning_modules.tasks.style_task import StyleTask

SHOWN = 4  # pictures of the validation that are shown after each epoch
STRIDE = 4  # of the smallest layer


class ConvNorm(nn.Sequential):
    """A convolution of a reflected picture, and an instance norm."""

    def __init__(self, channels: int, outputs: int, size: int, stride: int = 1) -> None:
        super().__init__(
            ReflectingConv2d(channels, outputs, size, stride, bias=False),
            nn.InstanceNorm2d(outputs, affine=True),
        )


class Residual(nn.Module):
    """Two convolutions, whose output is added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(ConvNorm(channels, channels, 3), nn.ReLU(True), ConvNorm(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Returns features [B, C, h, w]."""
        return x + self.layers(x)


class FastStyle(StyleTask):
    """A network that paints pictures in one style.

    Args:
        image_size: Height and width of the training pictures; given by the data.
        style: File of the picture whose style it learns; drawn brush strokes if not given, for drawn pictures.
        style_size: Pixels of the longer side to which that is scaled.
        width: Channels of the first layer; the smallest has four times as many.
        blocks: Residual blocks.
        training: Arguments of `StyleTask`, such as `network` and `style_weight`.

    Raises:
        InputError: A number does not make sense.
    """

    paths = (*StyleTask.paths, "style")
    changeable = ("style",)  # may have moved: a digest tells it from others
    predicts_pictures = True
    make_network = staticmethod(make_style_network)

    def __init__(
        self,
        image_size: int,
        style: str | None = None,
        style_size: int = 256,
        width: int = 32,
        blocks: int = 5,
        **training: Any,
    ) -> None:
        check_range("model.style_size", style_size, 32)
        check_range("model.width", width, 1)
        check_range("model.blocks", blocks, 0)
        super().__init__(**training)
        self.style, self.style_size = style, style_size
        middle = 4 * width
        self.paint = nn.Sequential(
            ConvNorm(3, width, 9),
            nn.ReLU(True),
            ConvNorm(width, 2 * width, 3, stride=2),
            nn.ReLU(True),
            ConvNorm(2 * width, middle, 3, stride=2),
            nn.ReLU(True),
            *(Residual(middle) for _ in range(blocks)),
            nn.Upsample(scale_factor=2),
            ConvNorm(middle, 2 * width, 3),
            nn.ReLU(True),
            nn.Upsample(scale_factor=2),
            ConvNorm(2 * width, width, 3),
            nn.ReLU(True),
            ReflectingConv2d(width, 3, 9),
        )
        self._picture: Tensor | None = None  # of the style, float32 [1, 3, H, W]
        self._grams: dict[str, Tensor] | None = None

    def setup(self, stage: str) -> None:
        """Reads the network that compares, and the style, unless pictures are only to be painted.

        Raises:
            InputError: There is no style, or it cannot be read, or a new run has scaled pictures.
        """
        data = self.trainer.datamodule
        # an earlier release took scaled pictures; Lightning's own trainer does not tell here whether a run goes on
        is_new = stage == "fit" and not getattr(self.trainer, "goes_on", False)
        if is_new and isinstance(data, NormalizesImages) and data.normalization.kind != "none":
            raise InputError(
                f"data.normalization is {data.normalization.kind}: painted pictures are from 0 to 255; set "
                "--data.normalization none"
            )
        super().setup(stage)
        self._grams = None
        if stage == "predict":
            return
        if self.style is not None:
            self._picture = read_style(self.style, self.style_size, "--model.style_size")
        elif isinstance(data, DataModule) and data.source == "synthetic":
            self._picture = as_batch(brush_strokes(self.style_size, self.style_size * 3 // 4))
        else:
            raise InputError("--model.style: a picture is needed (or --data.source synthetic)")

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keeps which style it was."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["style"] = digest_of(self._picture)

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Checks that the run goes on, and is measured, by its own style and network.

        Raises:
            InputError: It is another.
        """
        super().on_load_checkpoint(checkpoint)
        learned = checkpoint.get("style")  # an earlier release kept none
        if learned is not None and self._picture is not None and learned != digest_of(self._picture):
            raise InputError(f"--model.style {self.style}: not the picture that this run has learned until now")

    def forward(self, images: Tensor) -> Tensor:
        """Returns painted pictures, from 0 to 255.

        Args:
            images: Pictures from 0 to 255, [B, 3, H, W].
        """
        height, width = images.shape[2:]
        margin = -width % STRIDE, -height % STRIDE
        x = pad(images, (0, margin[0], 0, margin[1]), mode="replicate") / 127.5 - 1
        painted = 127.5 + 150 * torch.tanh(self.paint(x).float())
        return painted[..., :height, :width]

    def losses(self, batch: UnlabelledImageBatch) -> dict[str, Tensor]:
        """Returns the three losses, means over the pictures."""
        return self._losses(batch, self(batch.images))

    def _losses(self, batch: UnlabelledImageBatch, painted: Tensor) -> dict[str, Tensor]:
        weighting = self.weighting
        with torch.no_grad():
            found = self.network(batch.images, weighting.content)
            content = {layer: full(value) for layer, value in found.items()}
        features = self.network(painted)
        share = torch.ones(1, device=painted.device)
        content_losses, style_losses = [], []
        for place in range(len(painted)):  # of relative losses, one of all pictures together would be no mean of theirs
            own = {layer: value[place : place + 1] for layer, value in features.items()}
            targets = Targets(
                {layer: content[layer][place : place + 1] for layer in weighting.content}, [self._style()]
            )
            content_losses.append(weighting.content_loss(own, targets))
            grams = {layer: weighting.gram(own[layer]) for layer in weighting.style}
            style_losses.append(weighting.style_loss(grams, targets, share))
        variation = total_variation(painted)
        if weighting.scale == "relative":
            variation = variation / 255**2
        content_loss, style_loss = torch.stack(content_losses).mean(), torch.stack(style_losses).mean()
        return {"content": content_loss, "style": style_loss, "total_variation": variation}

    def _loss(self, losses: dict[str, Tensor]) -> Tensor:
        compared = self.content_weight * losses["content"] + self.style_weight * losses["style"]
        return self.weighted(compared, losses["total_variation"])

    @torch.no_grad()
    def _style(self) -> dict[str, Tensor]:
        """Returns the Gram matrices of the style, which are measured once."""
        if self._grams is None:
            picture = self._picture.to(self.device)
            self._grams = self.comparison().targets(picture, [picture]).grams[0]
        return self._grams

    def training_step(self, batch: UnlabelledImageBatch, batch_idx: int) -> Tensor:
        """Returns the weighted loss of a batch, and adds it to the training metrics."""
        losses = self.losses(batch)
        loss = self._loss(losses)
        self.train_metrics.update(losses, loss, len(batch.images))
        return loss

    def evaluate(self, batch: UnlabelledImageBatch, metrics: RunningMetrics) -> Tensor:
        """Measures painted pictures, and returns them."""
        painted = self(batch.images)
        losses = self._losses(batch, painted)
        metrics.update(losses, self._loss(losses), len(batch.images))
        return painted

    def predict_step(self, batch: UnlabelledImageBatch, batch_idx: int) -> Tensor:
        """Returns painted pictures, uint8 [B, H, W, 3]."""
        return to_pixels(self(batch.images), 0, 255)

    def export_form(self, data: Any) -> ExportForm:
        """Returns the network that paints, with pixels that come in and out; see `core.protocols.export_forms`."""
        return form_of_painting(self, STRIDE)

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Medium]:
        """Yields some pictures, and below each how it is painted."""
        data = self.trainer.datamodule
        part = "val" if len(data.splits["val"]) else "train"
        places = torch.arange(min(SHOWN, len(data.splits[part])))
        pictures = data.images_of(part, places)
        painted = to_pixels(self(pictures.permute(0, 3, 1, 2).float().to(self.device)), 0, 255)
        yield Grid(name="painted", step=step, images=torch.cat([pictures, painted]), columns=len(places))
