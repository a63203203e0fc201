"""A plain PyTorch loop over tensors in memory, with which the training of a network is compared."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmarks.timer import CPU
from callbacks.fused_optimizers import FUSED
from datamodules.images.image_data_module import ImageDataModule
from engine.speed.graph_checks import skip_graph_checks


def sgd(parameters: Any) -> Optimizer:
    """Returns the optimizer of all contenders that name no other."""
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def fused(optimizer: Optimizer) -> Optimizer:
    """Switches an optimizer to the kernels that `fit` takes on a CPU, so that all contenders update weights alike."""
    for group in optimizer.param_groups:
        if type(optimizer) in FUSED and all(weight.device.type == "cpu" for weight in group["params"]):
            group["fused"] = True
    return optimizer


class PlainLoop:
    """Trains a network on a data module's pictures, in an order of its own.

    Args:
        network: The network; it is moved to the device.
        data: The data, set up.
        optimizer: Makes the optimizer.
        precision: Lightning's name of it.
        device: What computes.
        loss: Of logits and targets.
    """

    def __init__(
        self,
        network: nn.Module,
        data: ImageDataModule,
        optimizer: Callable[[Any], Optimizer] = sgd,
        precision: str = "32-true",
        device: torch.device = CPU,
        loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    ) -> None:
        self.network = network.to(device, memory_format=torch.channels_last)
        self.data, self.precision, self.device, self.loss = data, precision, device, loss
        self.optimizer = fused(optimizer([p for p in self.network.parameters() if p.requires_grad]))
        skip_graph_checks([self.optimizer])  # a plain program has no such setting as Lightning's, which makes them slow
        self.split = data.splits["train"].to(device)
        self.order = torch.randperm(len(self.split)).to(device)
        draws = data.augmentation.draw(len(self.split), 0, 0, 0)
        self.draws = {name: values.to(device) for name, values in draws.items()}

    def step(self, number: int) -> None:
        """Makes a step on the batch of a number, from 0."""
        size = self.data.batch_size
        index = self.order[number * size : (number + 1) * size]
        drawn = {name: values[index] for name, values in self.draws.items()}
        images = self.data.augmentation.move(self.split.images.index_select(0, index), drawn)
        images = self.data.normalization(images.float()).permute(0, 3, 1, 2)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16-mixed"):
            loss = self.loss(self.network(images).float(), self.split.targets[index])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
