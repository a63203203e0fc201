"""Weights to start from: ours or anybody's state dict, as far as they fit."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.checkpoint_io import load_checkpoint
from engine.errors import InputError


def read_weights(name: str) -> dict[str, Tensor]:
    """Reads weights from a run folder (its best checkpoint), a checkpoint, or a plain `.pth` or `.safetensors` file.

    Raises:
        InputError: There are none.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        found = [path / "checkpoints" / file for file in ("best.ckpt", "last.ckpt")]
        path = next((file for file in found if file.is_file()), found[0])
    if not path.is_file():
        raise InputError(f"--weights {name}: no such file or run folder")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"--weights {path}: no safetensors file ({error})") from error
    content = load_checkpoint(path)
    weights = {key: value for key, value in content.get("state_dict", content).items() if isinstance(value, Tensor)}
    if not weights:
        raise InputError(f"--weights {path}: holds no tensors by name")
    return weights


def load_weights(model: nn.Module, weights: dict[str, Tensor], name: str) -> list[str]:
    """Copies into a model what fits it by name and shape.

    Args:
        model: The model, changed in place.
        weights: Tensors by name.
        name: Where they come from, for messages.

    Returns:
        Lines that say what was loaded, what was skipped and why.

    Raises:
        InputError: Nothing fits.
    """
    # running metrics are of the run that the weights come from
    own = {key: value for key, value in model.state_dict().items() if "_metrics." not in key}
    offered = {key: value for key, value in weights.items() if "_metrics." not in key}
    fitting = {key: value for key, value in offered.items() if key in own and value.shape == own[key].shape}
    if not any(key in fitting for key, _ in model.named_parameters()):
        first, mine = next(iter(offered), "nothing"), next(iter(own))
        raise InputError(f"--weights {name}: nothing in it fits this model (it has {first}, the model {mine})")
    with torch.no_grad():
        for key, value in fitting.items():
            own[key].copy_(value)
    lines = [f"weights  {len(fitting)} of the model's {len(own)} tensors loaded from {name}"]
    for key, value in offered.items():
        if key not in own:
            lines.append(f"         skipped {key}: the model has no such tensor")
        elif key not in fitting:
            lines.append(f"         skipped {key}: {list(value.shape)} there, {list(own[key].shape)} in the model")
    lines += [f"         kept new {key}: not in {name}" for key in own if key not in offered]
    return lines
