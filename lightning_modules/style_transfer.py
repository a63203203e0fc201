"""Style transfer by optimization: what is trained is the picture.

Leon Gatys, Alexander Ecker and Matthias Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.media import Grid, Image, Medium, to_pixels
from core.ranges import check_range
from core.terminal.console import print_line
from datamodules.batches import StyleBatch
from datamodules.images.luminance import luminance, with_chroma
from lightning_modules.layers.deterministic import scaled
from lightning_modules.layers.memory_forecast import check_memory, forecast
from lightning_modules.layers.style_comparison import Compared
from lightning_modules.layers.style_losses import Targets, total_variation
from lightning_modules.layers.trained_picture import TrainedPicture
from lightning_modules.style_networks import make_style_network
from lightning_modules.tasks.metrics import RunningMetrics
from lightning_modules.tasks.style_task import StyleTask
from lightning_modules.tasks.task import without

THUMBNAIL = 160  # pixels of the longer side in the strip
STRIP = 8  # pictures of the strip
SMALL_TILE = 512


class StyleTransfer(StyleTask):
    """A picture that gets the content of one picture and the style of others.

    Args:
        image_size: Height and width of the picture; given by the data.
        in_channels: 3, or 1 of a picture that keeps the content's colours; given by the data.
        noise: Share of noise in the picture that is started from: 0 is the content, 1 noise alone, between is a blend.
        noise_mean: Mean of the noise, from 0 to 255, or of red, green and blue.
        noise_std: Standard deviation of the noise, which is cut at two of them.
        scales: By the epoch at which each begins, the share of the picture's size at which it is compared, such as
            `{0: 0.25, 5: 0.5, 10: 1.0}`, which gives large forms first. The optimizer starts anew with each.
        tile: Longest side of tiles that the network sees one after the other, for pictures too large for the memory;
            the result is the same. A tile also has a margin, as wide as the network looks.
        training: Arguments of `StyleTask`, such as `network` and `style_weight`.

    Raises:
        InputError: A number does not make sense.
    """

    predicts_pictures = True
    make_network = staticmethod(make_style_network)

    def __init__(
        self,
        image_size: tuple[int, int],
        in_channels: int = 3,
        noise: float = 0.0,
        noise_mean: float | list[float] = 127.5,
        noise_std: float = 20.0,
        scales: dict[int, float] = {0: 1.0},  # noqa: B006 (not changed)
        tile: int | None = None,
        **training: Any,
    ) -> None:
        check_range("model.noise", noise, 0, 1)
        check_range("model.noise_std", noise_std, above=True)
        if tile is not None:
            check_range("model.tile", tile, 64)
        if 0 not in scales:
            raise InputError(f"model.scales is {scales}: it needs a scale from epoch 0 on")
        for scale in scales.values():
            check_range("model.scales", scale, 0, 1, above=True)
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        self.scales, self.tile = dict(sorted(scales.items())), tile
        size = tuple(image_size)
        self.picture = TrainedPicture(in_channels, size, noise, noise_mean, noise_std, 1 / min(scales.values()))
        self._targets: dict[float, Targets] = {}  # by scale
        self._strip: list[Tensor] = []  # small pictures, uint8 [h, w, 3]: the first one, and one after each epoch

    def setup(self, stage: str) -> None:
        """Reads the network, and forgets other pictures.

        Raises:
            InputError: The network cannot be read, or does not take tiles.
        """
        super().setup(stage)
        self._targets = {}
        if self.tile is not None and self.network is not None and not self.network.has_radius:
            raise InputError(
                f"--model.tile {self.tile}: {self.network_signature.split()[0]} sees pictures whole; take a VGG"
            )

    def forward(self) -> Tensor:
        """Returns the picture, from 0 to 255, [1, C, H, W]."""
        return self.picture()

    @property
    def scale(self) -> float:
        """The share of its size at which the picture is compared in this epoch."""
        begun = [scale for epoch, scale in self.scales.items() if epoch <= self.current_epoch]
        return begun[-1] if self.trainer.training else 1.0

    def losses(self, batch: StyleBatch) -> dict[str, Tensor]:
        """Returns the three losses of the picture as it is."""
        return self._measure(batch)[0]

    def _measure(self, batch: StyleBatch) -> tuple[dict[str, Tensor], Tensor]:
        """Returns the three losses, and their weighted sum, of which alone tiles have a gradient."""
        scale = self.scale
        picture = scaled(self._masked(batch), scale)
        compared = self._compare(picture, batch, scale)
        variation = total_variation(picture)
        if self.weighting.scale == "relative":
            variation = variation / 255**2
        losses = {"content": compared.content, "style": compared.style, "total_variation": variation}
        return losses, self.weighted(compared.weighted, variation)

    def _compare(self, picture: Tensor, batch: StyleBatch, scale: float) -> Compared:
        comparison = self.comparison(self.tile)
        if scale not in self._targets:
            styles = [scaled(style, scale) for style in batch.styles]
            self._targets[scale] = comparison.targets(scaled(batch.content, scale), styles)
        amounts = comparison.amounts(batch.mask, tuple(picture.shape[-2:]))
        return comparison.compare(picture, self._targets[scale], batch.shares, amounts)

    def _masked(self, batch: StyleBatch) -> Tensor:
        """Returns the picture, with the content where the mask does not let it change."""
        picture = self()
        return torch.lerp(batch.content, picture, batch.mask) if batch.mask.numel() else picture

    def training_step(self, batch: StyleBatch, batch_idx: int) -> Tensor:
        """Returns the weighted loss, and adds this look at the picture to the training metrics."""
        losses, loss = self._measure(batch)
        self.train_metrics.update(losses, loss)
        return loss

    def evaluate(self, batch: StyleBatch, metrics: RunningMetrics) -> Tensor:
        """Measures the picture at its full size and returns it."""
        losses, loss = self._measure(batch)
        metrics.update(losses, loss)
        return self.result(batch)

    def predict_step(self, batch: StyleBatch, batch_idx: int) -> Tensor:
        """Returns the picture, uint8 [1, H, W, 3]."""
        return self.result(batch)

    def result(self, batch: StyleBatch) -> Tensor:
        """Returns the picture as it is shown, with the content's colours if it is to keep them, uint8 [1, H, W, 3]."""
        picture = self._masked(batch).detach().float()
        if batch.chroma.numel():
            picture = with_chroma(picture if picture.shape[1] == 1 else luminance(picture), batch.chroma)
        return to_pixels(picture, 0, 255)

    def on_train_start(self) -> None:
        """Says how much memory the run takes, and keeps the picture that it starts from.

        Raises:
            InputError: It does not fit.
        """
        super().on_train_start()
        size = tuple(self.picture.pixels.shape[1:])
        value_bytes = 2 if "16" in str(self.trainer.precision) else 4
        found = forecast(self.network, size, self.tile, value_bytes, self.trainer.optimizers, self.weighting.content)
        if self.device.type == "cpu":
            check_memory(found, size, self.tile, SMALL_TILE if self.network.has_radius else None)
        print_line(f"memory   {found}")
        if not self._strip or self.trainer.global_step == 0:
            self._strip = [self._thumbnail()]

    def on_train_epoch_start(self) -> None:
        """Starts the optimizer anew where a scale begins: what it has learned of the picture is of another."""
        super().on_train_epoch_start()
        if self.current_epoch and self.current_epoch in self.scales:
            for optimizer in self.trainer.optimizers:
                optimizer.state.clear()

    def _thumbnail(self) -> Tensor:
        (picture,) = self.result(self._pictures())
        scale = THUMBNAIL / max(picture.shape[:2])
        small = scaled(picture.permute(2, 0, 1)[None].float(), scale)
        return to_pixels(small, 0, 255)[0]

    def _pictures(self) -> StyleBatch:
        return next(iter(self.trainer.datamodule.val_dataloader()))

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Medium]:
        """Yields the picture, and a strip of how it came about."""
        yield Image(name="picture", step=step, pixels=self.result(self._pictures())[0])
        # an epoch that was cut and goes on has its picture anew at its end
        self._strip = [*self._strip[: self.current_epoch + 1], self._thumbnail()]
        places = torch.linspace(0, len(self._strip) - 1, min(STRIP, len(self._strip))).round().int().tolist()
        yield Grid(name="progress", step=step, images=torch.stack([self._strip[place] for place in places]))

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keeps the strip."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["progress_strip"] = self._strip

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Takes up the strip."""
        super().on_load_checkpoint(checkpoint)
        self._strip = checkpoint.get("progress_strip", [])
