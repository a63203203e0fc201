"""The perceptron: one unit with a threshold, which learns from its mistakes.

Frank Rosenblatt, "The Perceptron: A Probabilistic Model for Information Storage and Organization in the Brain",
Psychological Review, 1958.
"""

from typing import Any

from torch import Tensor

from lightning_modules.layers.initializers import Initializer
from lightning_modules.tasks.task import without
from lightning_modules.tasks.two_class_unit import TwoClassUnit


class Perceptron(TwoClassUnit):
    """A unit that fires where w . x + b > 0, for class 1.

    Plain gradient descent (`torch.optim.SGD` without momentum) on its loss, one image a batch, is the perceptron rule
    w <- w + lr (t - y) x with target t and output y in {0, 1}. Larger batches take the mean of these steps.

    Args:
        num_classes: Number of classes, which is 2; the data gives it.
        in_channels: Channels of the images; the data gives it.
        image_size: Height and width of the images; the data gives it.
        initializer: How weights start; at `initializer_scale` all alike unless given.
        initializer_scale: Standard deviation, half width or value, for the initialisers that take one.
        training: What `TwoClassUnit` takes, such as `optimizer`.

    Raises:
        InputError: There are not two classes.
    """

    def __init__(
        self,
        num_classes: int = 2,
        in_channels: int = 3,
        image_size: int = 32,
        initializer: Initializer = "constant",
        initializer_scale: float = 0.0,
        **training: Any,
    ) -> None:
        training = without(training, label_smoothing=0.0)
        super().__init__(
            num_classes, in_channels, image_size, initializer, initializer_scale, label_smoothing=0.0, **training
        )

    def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Returns the perceptron criterion (y - t) z, the distance of each mistake from the threshold, as a mean.

        A mistake is a mistake, however sure: there is no label smoothing.
        """
        z = logits[:, 1]
        fires = (z > 0).to(z.dtype)  # has no gradient, so that of the loss by z is y - t
        return ((fires - targets) * z).mean()
