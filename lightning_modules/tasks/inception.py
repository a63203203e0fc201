"""The FID: the Frechet distance in the features of the Inception network that others use, by torchmetrics."""

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from core.errors import InputError

FEATURES = 2048  # of the network


def distance_signature(number: int) -> str:
    """Returns what an FID depends on, given the number of samples, and of pictures of the test split."""
    text = f"{number:,} samples and the first {number:,} pictures of the test split"
    # a covariance of fewer has no full rank, and the distance rests on the directions that it lacks
    return f"{text}, too few for {FEATURES:,} features" if number <= FEATURES else text


class InceptionDistance:
    """Takes real and generated pictures in, and returns the FID.

    Args:
        features: Another network than Inception, of images [B, 3, H, W], for tests.

    Raises:
        InputError: The network is not there and cannot be had.
    """

    def __init__(self, features: nn.Module | None = None) -> None:
        try:
            self._metric = FrechetInceptionDistance(FEATURES if features is None else features)
        except ModuleNotFoundError as error:
            raise InputError(
                "model.fid: its Inception network comes with torch-fidelity; pip install torch-fidelity"
            ) from error
        except Exception as error:  # in whatever way a download fails
            raise InputError(f"model.fid: its Inception network cannot be had ({error})") from error

    def update(self, pictures: Tensor, real: bool) -> None:
        """Takes pictures in, uint8 [B, H, W, C], on the device of the first; of Apple's GPUs (mps), on the CPU.

        The features are float32, also in training of less precision: in bfloat16 the FID would be another.
        """
        pictures = pictures.cpu() if pictures.device.type == "mps" else pictures  # where the sums cannot be float64
        images = pictures.permute(0, 3, 1, 2)
        with torch.autocast(images.device.type, enabled=False):
            self._metric.to(images.device).update(images.expand(-1, 3, -1, -1), real)

    def compute(self) -> Tensor:
        """Returns the FID of the pictures of all processes."""
        return self._metric.compute()
