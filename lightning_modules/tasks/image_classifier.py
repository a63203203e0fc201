"""The base class of image classifiers. A subclass defines the network."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from core.protocols.export_forms import ExportForm
from datamodules.batches import ImageBatch
from datamodules.foreign_batches import image_batch
from lightning_modules.tasks.classifier import Classifier
from lightning_modules.tasks.exported import form_of_samples

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def numbered(name: str, parts: nn.Module) -> dict[str, nn.Module]:
    """Returns the parts of a sequence or list of layers by the name of it and their own, such as `features.0`.

    A layer that stands in it twice has two names, of which `named_children` would give the first alone.
    """
    return {f"{name}.{own}": part for own, part in parts._modules.items()}


class ImageClassifier(Classifier):
    """Classifies images with softmax cross-entropy.

    Args:
        training: What `Classifier` takes, such as `optimizer`.
    """

    def __init__(self, **training: Any) -> None:
        super().__init__(**training)
        self._fixed_until: str | None = None  # last step of the encoder
        # weighted versions of images, over which predictions are averaged; set by the callback Views
        self.views: Callable[[Tensor], list[tuple[float, Tensor]]] | None = None

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> ImageBatch | None:
        """Converts batches of other data loaders, a tuple or list of images and targets, to `ImageBatch`.

        One of training that is None stays so: the loop leaves it out.
        """
        if batch is None and self.trainer.training:
            return None
        if isinstance(batch, Tensor) and self.trainer.predicting:  # images without targets
            batch = batch, batch.new_zeros(len(batch))
        return image_batch(batch, type(self).__name__)

    def logits(self, batch: ImageBatch) -> Tensor:
        """Returns logits [B, K] of a batch of images, or of the features that the encoder has made of them."""
        if self._fixed_until is None:
            return self(batch.images)
        return nn.Sequential(*self._divided()[1].values())(batch.images)

    def predicted_logits(self, batch: ImageBatch) -> Tensor:
        """Returns logits, float32 [B, K], averaged over several views of each image if views are set."""
        return self.logits(batch).float() if self.views is None else self.logits_of_images(batch.images)

    def logits_of_images(self, images: Tensor) -> Tensor:
        """Returns logits, float32 [B, K], of prepared images, averaged over several views of each if views are set."""
        if self.views is None:
            return self(images).float()
        return sum(weight * self(view).float() for weight, view in self.views(images))

    def export_form(self, data: Any) -> ExportForm:
        """Returns the network with what its images go through, see `core.protocols.export_forms`."""
        return form_of_samples(self, data, self.logits_of_images)

    def encode_until(self, step: str | None) -> None:
        """Makes the parts up to a step the encoder, so that batches hold its features; None for none."""
        self._fixed_until = step

    def picture_encoder(self) -> nn.Module | None:
        """Returns the parts up to the step that `encode_until` names."""
        return None if self._fixed_until is None else nn.Sequential(self._divided()[0])

    def _divided(self) -> tuple[OrderedDict[str, nn.Module], OrderedDict[str, nn.Module]]:
        """Returns the parts of the encoder, and those behind it."""
        parts = [(name.replace(".", "-"), part) for name, part in self.steps().items()]
        number = list(self.steps()).index(self._fixed_until) + 1
        return OrderedDict(parts[:number]), OrderedDict(parts[number:])

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns weights of the same network in torchvision, renamed to this network's names."""
        return weights
