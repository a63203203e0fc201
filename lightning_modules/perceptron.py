"""The perceptron: one unit with a threshold.

Frank Rosenblatt, "The Perceptron: A Probabilistic Model for Information Storage and Organization in the Brain",
Psychological Review, 1958.
"""

from typing import Any

from torch import Tensor

from lightning_modules.layers.initializers import Initializer
from lightning_modules.tasks.task import without
from lightning_modules.tasks.two_class_unit import TwoClassUnit


class Perceptron(TwoClassUnit):
    """A unit that predicts class 1 where w . x + b > 0.

    Plain gradient descent (`torch.optim.SGD` without momentum) on its loss, with batches of one image, is the
    perceptron rule w <- w + lr (t - y) x with target t and output y in {0, 1}. Larger batches average these steps.

    Args:
        num_classes: Number of classes, which must be 2; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        initializer: Initialiser of the weights; by default all are `initializer_scale`.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
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
        """Returns the mean perceptron criterion (y - t) z: for each error, the distance to the threshold.

        Label smoothing is not used.
        """
        z = logits[:, 1]
        fires = (z > 0).to(z.dtype)  # has no gradient, so the loss's gradient with respect to z is y - t
        return ((fires - targets) * z).mean()
