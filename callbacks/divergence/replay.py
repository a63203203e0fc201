"""Repeats the forward pass of a step that failed, and names the first module whose output is not finite."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor, nn
from torchmetrics import Metric

from core.nested_tensors import is_finite
from core.protocols.general import CarriesState, NamesLosses
from core.randomness import seed_device, step_seed
from lightning_modules.alternating import Alternating


@dataclass
class Step:
    """What it takes to repeat a training step."""

    batch: Any
    batch_idx: int
    epoch: int
    number: int  # of the batch, counted from the start of this process; several make a step under accumulation
    step: int  # optimizer steps before it
    carried: Any  # what the model carries over from the batch before, if it does


def find_module(trainer: Trainer, pl_module: LightningModule, step: Step) -> str:
    """Repeats a step's forward pass and names the first module whose output is not finite.

    A model that names its losses computes these; another repeats its training step. Nothing is differentiated, and no
    optimizer or schedule makes a step.

    Args:
        trainer: The trainer.
        pl_module: The model, with the weights and buffers from before the step.
        step: The step.

    Returns:
        Name and class of the module, with what else is known of the cause.
    """
    found: list[str] = []
    failure = ""
    with ExitStack() as stack:
        for name, module in pl_module.named_modules():
            # children come before the module that holds them, so that the innermost is named
            if name and not isinstance(module, Metric | nn.Sequential):
                stack.callback(module.register_forward_hook(_watch(name, found)).remove)
        stack.enter_context(_without_updates(trainer, pl_module))
        stack.enter_context(trainer.precision_plugin.forward_context())
        stack.enter_context(torch.enable_grad())  # a gradient penalty differentiates within its loss
        try:
            bad_losses = _repeat(trainer, pl_module, step, found)
        except Exception as error:  # the run is ending with its own error, which the replay's must not hide
            bad_losses, failure = [], f" (the replay failed: {error})"
    where = found[0] if found else f"none (every module's output is finite){failure}"
    if bad_losses:
        where += f", in the {'losses' if len(bad_losses) > 1 else 'loss'} {', '.join(bad_losses)}"
    return where if is_finite(step.batch) else f"{where}, fed with a batch that is itself not finite"


def _repeat(trainer: Trainer, pl_module: LightningModule, step: Step, found: list[str]) -> list[str]:
    """Repeats the forward pass; returns the names of losses that are not finite, where the model names them."""

    def restart() -> None:
        if isinstance(pl_module, CarriesState):
            pl_module.carried = step.carried
        seed_device(step_seed(trainer.seed, step.epoch, step.batch_idx, trainer.global_rank), pl_module.device)

    if isinstance(pl_module, NamesLosses) and callable(pl_module.losses):
        restart()
        losses = pl_module.losses(step.batch)
        bad = [name for name, loss in losses.items() if not is_finite(loss)]
        return bad if len(losses) > 1 or not found else []
    arguments = [step.batch]
    if is_param_in_hook_signature(pl_module.training_step, "batch_idx", min_args=2):
        arguments.append(step.batch_idx)
    alternating = [optimizer for optimizer in trainer.optimizers if isinstance(optimizer, Alternating)]
    if not alternating:
        restart()
        pl_module.training_step(*arguments)
        return []
    now = pl_module.player  # None if the step was over when the guard looked
    for player in alternating[0].players if now is None else [now]:
        if not found:
            restart()
            pl_module.player = player
            pl_module.training_step(*arguments)
    return []


def _watch(name: str, found: list[str]) -> Callable:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if not found and not is_finite(output):
            found.append(f"{name} ({type(module).__name__})")

    return hook


@contextmanager
def _without_updates(trainer: Trainer, pl_module: LightningModule) -> Iterator[None]:
    """Lets `training_step` run without updating anything, also where it optimizes manually."""

    def only_closure(closure: Callable | None = None, *_: Any, **__: Any) -> Any:
        return None if closure is None else closure()

    def nothing(*_: Any, **__: Any) -> None: ...

    with ExitStack() as stack:
        stack.enter_context(_replaced(pl_module, "_current_fx_name", "training_step"))
        if not pl_module.automatic_optimization:
            for optimizer in (*trainer.optimizers, *trainer.strategy._lightning_optimizers):
                stack.enter_context(_replaced(optimizer, "step", only_closure))
            for config in trainer.lr_scheduler_configs:
                stack.enter_context(_replaced(config.scheduler, "step", nothing))
            for owner, name in ((pl_module, "manual_backward"), (Tensor, "backward"), (torch.autograd, "backward")):
                stack.enter_context(_replaced(owner, name, nothing))
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replaces an attribute for a while."""
    is_own, before = name in vars(owner), vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if is_own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)
