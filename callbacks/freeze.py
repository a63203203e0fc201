"""Keeps layers fixed, for fine-tuning."""

import re
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn

from core.errors import InputError
from core.kept_arguments import KeepsArguments


class Freeze(KeepsArguments, Callback):
    """Keeps parameters fixed whose names match; frozen batch norms keep their statistics too.

    Args:
        layers: Patterns (regular expressions, matched from the start of a parameter's name), such as `features` or
            `stages\\.[01]`.
        until_epoch: Epoch, from 0, in which the layers begin to train; never if not given.
        from_epoch: Epoch, from 0, from which on the layers are fixed, having trained before; the first if not given.
    """

    def __init__(
        self, layers: list[str] | None = None, until_epoch: int | None = None, from_epoch: int | None = None
    ) -> None:
        if until_epoch is not None and from_epoch is not None:
            raise InputError("--freeze.until_epoch and --freeze.from_epoch: give one of them")
        for name, epoch in (("until_epoch", until_epoch), ("from_epoch", from_epoch)):
            if epoch is not None and epoch < 0:
                raise InputError(f"--freeze.{name} {epoch}: epochs count from 0")
        self.layers = layers or []
        self.until_epoch = until_epoch
        self.from_epoch = from_epoch
        self._parameters: list[nn.Parameter] = []
        self._modules: list[nn.Module] = []
        try:
            self._patterns = [re.compile(layer) for layer in self.layers]
        except re.error as error:
            raise InputError(f"--freeze.layers {error.pattern}: no regular expression ({error})") from error

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Finds the layers, and freezes them before an optimizer or a process group sees the model.

        Raises:
            InputError: A pattern matches nothing, or nothing would be left to train.
        """
        if stage != "fit" or not self.layers:
            return
        named = {name: parameter for name, parameter in pl_module.named_parameters() if parameter.requires_grad}
        for pattern in self._patterns:
            if not any(pattern.match(name) for name in named):
                firsts = dict.fromkeys(name.rsplit(".", 1)[0] for name in named)
                raise InputError(f"--freeze.layers {pattern.pattern}: matches none of {', '.join(firsts)}")
        frozen = {name for name in named if any(pattern.match(name) for pattern in self._patterns)}
        if len(frozen) == len(named):
            raise InputError(f"--freeze.layers {self.layers}: nothing is left to train")
        self._parameters = [named[name] for name in sorted(frozen)]
        # Processes agree at the start on which gradients they share; layers that ever train must be among them, and
        # have theirs dropped while they are fixed.
        changes = self.until_epoch is not None or self.from_epoch is not None
        self._drop_gradients = trainer.world_size > 1 and changes
        if not self._drop_gradients and self._active(0):
            for parameter in self._parameters:
                parameter.requires_grad_(False)

    def trainable(self, pl_module: LightningModule) -> int:
        """Number of parameters that train from the start."""
        fixed = {id(parameter) for parameter in self._parameters if self._active(0)}
        return sum(p.numel() for p in pl_module.parameters() if p.requires_grad and id(p) not in fixed)

    def _active(self, epoch: int) -> bool:
        """Says whether the layers are fixed in an epoch."""
        if self.until_epoch is not None:
            return epoch < self.until_epoch
        return epoch >= (self.from_epoch or 0)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fixes the layers, or lets them train, as the epoch has it."""
        self._apply(trainer)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Finds the layers that have statistics (SyncBN has replaced some by now), for a resumed epoch too.

        Layers without any stay as they are: cuDNN gives no gradients through recurrent ones in evaluation mode.
        """
        frozen = {id(parameter) for parameter in self._parameters}
        self._modules = [
            module
            for module in pl_module.modules()
            if any(id(parameter) in frozen for parameter in module.parameters(recurse=False))
            and any(True for _ in module.buffers(recurse=False))
        ]
        self._apply(trainer)

    def _apply(self, trainer: Trainer) -> None:
        if not self._parameters:
            return
        active = self._active(trainer.current_epoch)
        for module in self._modules:
            module.train(not active)
        if not self._drop_gradients:
            for parameter in self._parameters:
                parameter.requires_grad_(not active)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        """Drops gradients of fixed layers where they had to be computed."""
        if self._parameters and self._drop_gradients and self._active(trainer.current_epoch):
            for parameter in self._parameters:
                parameter.grad = None
