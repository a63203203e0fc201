"""The base class of image classifiers. A subclass defines the network."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from datamodules.batches import ImageBatch
from datamodules.foreign_batches import image_batch
from lightning_modules.tasks.classifier import Classifier

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class ImageClassifier(Classifier):
    """Classifies images with softmax cross-entropy.

    Args:
        training: What `Classifier` takes, such as `optimizer`.
    """

    def __init__(self, **training: Any) -> None:
        super().__init__(**training)
        # weighted versions of images, over which predictions are averaged; set by the callback Views
        self.views: Callable[[Tensor], list[tuple[float, Tensor]]] | None = None

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> ImageBatch:
        """Converts batches of other data loaders, a tuple or list of images and targets, to `ImageBatch`."""
        if isinstance(batch, Tensor) and self.trainer.predicting:  # images without targets
            batch = batch, batch.new_zeros(len(batch))
        return image_batch(batch, type(self).__name__)

    def logits(self, batch: ImageBatch) -> Tensor:
        """Returns logits [B, K] of a batch of images."""
        return self(batch.images)

    def predicted_logits(self, batch: ImageBatch) -> Tensor:
        """Returns logits, float32 [B, K], averaged over several views of each image if views are set."""
        if self.views is None:
            return self(batch.images).float()
        return sum(weight * self(view).float() for weight, view in self.views(batch.images))

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns weights of the same network in torchvision, renamed to this network's names."""
        return weights
