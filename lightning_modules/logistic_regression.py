"""Logistic regression: one unit that separates two classes.

David R. Cox, "The Regression Analysis of Binary Sequences", Journal of the Royal Statistical Society B, 1958.
"""

from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor

from lightning_modules.layers.initializers import Initializer
from lightning_modules.tasks.two_class_unit import TwoClassUnit


class LogisticRegression(TwoClassUnit):
    """A linear unit whose logistic output is the probability of class 1.

    Args:
        num_classes: Number of classes, which must be 2; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        objective: `cross_entropy`, or the `squared_error` between the probability and the class, 0 or 1.
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
        objective: Literal["cross_entropy", "squared_error"] = "cross_entropy",
        initializer: Initializer = "constant",
        initializer_scale: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, image_size, initializer, initializer_scale, **training)
        self.objective = objective

    def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Returns the mean objective over a batch."""
        if self.objective == "cross_entropy":
            return super().loss(logits, targets, label_smoothing)
        goal = targets * (1 - label_smoothing) + label_smoothing / 2
        return F.mse_loss(logits[:, 1].sigmoid(), goal.to(logits.dtype))
