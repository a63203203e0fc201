"""What all captioners share: the network that they see pictures with, which may be fixed."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from lightning_modules.picture_networks import NetworkName, Packed, make_picture_network
from lightning_modules.tasks.rewarded_captioning import RewardedCaptioning


class PictureCaptioner(RewardedCaptioning):
    """Sees pictures with a network, whose features are computed once and kept where it is fixed.

    Args:
        image_size: Height and width of the pictures; set from the data.
        in_channels: Channels of the pictures; set from the data.
        network: What sees them: `efficientnet_lite0` (`--weights pretrained:efficientnet_lite0`) to
            `efficientnet_lite4`, `inception_v3` (`--weights torchvision:inception_v3:IMAGENET1K_V1`), or `convnet` for
            four small convolutions.
        frozen: Whether it stays as it is; otherwise it is trained with the rest, on pictures.
        training: What `RewardedCaptioning` takes, such as `rewarded`, `beam` and `optimizer`.

    Raises:
        InputError: The pictures are too small for the network, or a setting is out of range.
    """

    sees_places: ClassVar[bool]  # or the whole picture alone

    def __init__(
        self,
        image_size: int,
        in_channels: int = 3,
        network: NetworkName = "efficientnet_lite0",
        frozen: bool = True,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        made = make_picture_network(network, image_size, in_channels)
        self.network = Packed(made.maps, made.top, self.sees_places)
        self.frozen = frozen
        self.channels, self.whole_width = made.channels, made.width
        self._rename = made.rename

    def picture_encoder(self) -> nn.Module | None:
        """Returns the network if it is fixed, so that batches hold its features."""
        return self.network if self.frozen else None

    def seen(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns places [B, S, C] of pictures, if it sees any, and a vector of the whole of each [B, D].

        Args:
            images: Features [B, F] that the network has made of pictures, or the pictures [B, C, H, W].
        """
        features = images if images.ndim == 2 else self.network(images)
        places, whole = features.split([features.shape[1] - self.whole_width, self.whole_width], 1)
        return places.unflatten(1, (-1, self.channels)) if self.sees_places else places, whole

    @property
    def features(self) -> Callable[[Tensor], Tensor] | None:
        """Makes the vectors of the whole of pictures, [B, D], where the network is fixed."""
        return (lambda images: self.seen(images)[1]) if self.frozen else None

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns weights that torchvision or a package publishes under this network's names."""
        return {f"network.{self._rename(key)}": value for key, value in weights.items()}
