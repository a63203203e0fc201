"""Checks of networks that several test files need."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from callbacks.media.graph import graph_of
from core.terminal.library_warnings import ignore_library_warnings
from engine.cli.lightning_cli import SubcommandCLI
from engine.settings.arguments import parse_command_line


def assert_gradients(model: nn.Module) -> None:
    """Checks that every trained parameter has a finite gradient that is not 0 everywhere."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"{name} has no gradient: the network does not use it"
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
            assert parameter.grad.count_nonzero(), f"the gradient of {name} is 0; a wider form has units that live"


def assert_deeper_layers_learn_slower(model: LightningModule, batch: Any, depths: int = 1) -> None:
    """Checks that the factors of `depth_lr_factor` grow in the order in which layers are used, from input to output.

    Args:
        model: A network that names its losses.
        batch: A batch.
        depths: Number of different factors at least.
    """
    model.eval()
    model.depth_lr_factor = 0.5
    factors = {id(one): group["depth_factor"] for group in model.parameter_groups() for one in group["params"]}
    used: dict[str, float] = {}
    hooks = []
    for name, module in model.named_modules():
        own = [factors[id(one)] for one in module.parameters(recurse=False) if id(one) in factors]
        if own:

            def note(module: nn.Module, inputs: Any, name: str = name, factor: float = max(own)) -> None:
                used.setdefault(name, factor)

            hooks.append(module.register_forward_pre_hook(note))
    with torch.no_grad():
        model.losses(batch)
    for hook in hooks:
        hook.remove()
    assert list(used.values()) == sorted(used.values()), used
    assert len({*factors.values()}) >= depths, used


def assert_graph(model: LightningModule, batch: Any) -> None:
    """Checks that a network's graph has its modules as scopes, leads from the batch to the loss, and leaves no trace.

    Args:
        model: A network that names its losses.
        batch: A batch.
    """
    root = type(model).__name__
    model.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: run.append(name)) for name, module in model.named_modules()
    ]
    operations = graph_of(model, batch)
    for hook in hooks:
        hook.remove()
    makers = {operation.name: operation for operation in operations}
    assert len(makers) == len(operations), "a name stands twice"
    known: set[str] = set()
    for operation in operations:
        assert known.issuperset(operation.inputs), f"{operation.name} takes what comes later"
        known.add(operation.name)
    scopes = {scope for name in makers for scope in _scopes(name)}
    assert not scopes & makers.keys(), "an operation has the name of a module"
    idle = (nn.Identity, nn.Sequential, nn.Dropout)
    computing = [name for name in run if not isinstance(model.get_submodule(name), idle)]
    names = {"/".join([root, *name.split(".")]) if name else root for name in computing}
    assert names <= scopes, "a module is no scope"
    reached, ahead = set(), [name for name in makers if name.startswith("losses/")]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += makers[name].inputs
    assert any(makers[name].kind == "input" for name in reached), "the loss does not depend on the batch"
    trained = {f"{root}/{name.replace('.', '/')}" for name, one in model.named_parameters() if one.requires_grad}
    assert trained & reached, "the loss depends on nothing trained"
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def _scopes(name: str) -> list[str]:
    """Returns all scopes that an operation is in."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def number_of_parameters(make: Callable[..., nn.Module], **settings: object) -> int:
    """Returns the number of parameters of a network, without memory for them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make(**settings).parameters())


def millions_of_multiplications(make: Callable[[], nn.Module], image_size: int) -> int:
    """Returns the multiplications for one image with three channels, in millions, without memory for them."""
    with torch.device("meta"):
        model = make().eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, image_size, image_size))
    return round(counter.get_total_flops() / 2e6)  # a multiplication and an addition count as two


def sides_of_features(make: Callable[[], nn.Module], images: tuple[int, ...]) -> list[int]:
    """Returns the width of the maps after each layer of `features`, for images of a shape."""
    with torch.device("meta"):
        x, sides = torch.empty(images), []
        for layer in make().features:
            x = layer(x)
            sides.append(x.shape[-1])
    return sides


@torch.no_grad()
def logits_in_bfloat16(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the logits under bfloat16 autocast and in float32, in evaluation mode.

    Before, it lets the norms' statistics settle, as twenty batches of the usual momentum would, and checks that
    `channels_last` changes no logit.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = 1 - 0.9**20
    model(images)
    model.eval()
    expected = model(images)
    model.to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        return model(images), expected


def assert_a_checkpoint_gives_the_model_back(
    model: dict[str, Any], data: dict[str, Any], folder: Path
) -> LightningModule:
    """Builds a model and data as the command does, and loads the model from a checkpoint alone; returns what is loaded.

    Args:
        model: Class path and arguments of the model.
        data: Those of the data.
        folder: Where files may be written.
    """
    trainer = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "logger": False}
    (folder / "form.yaml").write_text(yaml.safe_dump({"model": model, "data": data, "trainer": trainer}))
    with ignore_library_warnings():
        built = SubcommandCLI(parse_command_line(["fit", "--config", str(folder / "form.yaml")]), False)
    built.model.trainer = built.trainer
    built.trainer.strategy.connect(built.model)
    path = folder / "model.ckpt"
    built.trainer.save_checkpoint(path, weights_only=True)
    loaded = type(built.model).load_from_checkpoint(path, weights_only=True)
    expected = built.model.state_dict()
    assert loaded.state_dict().keys() == expected.keys()
    for key, value in loaded.state_dict().items():
        torch.testing.assert_close(value, expected[key], rtol=0, atol=0, msg=key)
    return loaded
