"""The base of image classifiers. A subclass states the network."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from datamodules.batches import ImageBatch, image_batch
from lightning_modules.tasks.classifier import Classifier

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class ImageClassifier(Classifier):
    """Softmax cross-entropy on the logits of images.

    Args:
        training: What `Classifier` takes, such as `optimizer`.
    """

    def __init__(self, **training: Any) -> None:
        super().__init__(**training)
        self.views: Callable[[Tensor], list[tuple[float, Tensor]]] | None = None  # of images to predict; see Views

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> ImageBatch:
        """Takes batches of other packages' loaders, too: a tuple or list of images and targets."""
        if isinstance(batch, Tensor) and self.trainer.predicting:  # images alone
            batch = batch, batch.new_zeros(len(batch))
        return image_batch(batch, type(self).__name__)

    def logits(self, batch: ImageBatch) -> Tensor:
        """Returns logits [B, K] of a batch of images."""
        return self(batch.images)

    def predicted_logits(self, batch: ImageBatch) -> Tensor:
        """Returns logits, float32 [B, K], averaged over several views of each image where these are asked for."""
        if self.views is None:
            return self(batch.images).float()
        return sum(weight * self(view).float() for weight, view in self.views(batch.images))

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the weights of torchvision's same network under this network's names, where these differ."""
        return weights
