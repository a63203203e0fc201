"""The networks that style transfer can compare pictures with: those of VGG's kind, and EfficientNet-Lite."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from core.errors import InputError
from datamodules.base.digest import digest_of
from lightning_modules.efficientnet_lite import EfficientNetLite
from lightning_modules.layers.feature_network import Features, Place, Pooling, Scaling
from lightning_modules.layers.named_networks import make_feature_network
from lightning_modules.pretrained import PRETRAINED, read_pretrained

MEAN, STD = (127.0,) * 3, (128.0,) * 3  # of 0 to 255
PROBE = 64  # pixels of a picture that shows how layers lie


class Affine(nn.Module):
    """What a batch norm is once it has been trained."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        self.register_buffer("factor", factor.detach()[:, None, None], persistent=False)
        self.register_buffer(
            "offset", (norm.bias - norm.running_mean * factor).detach()[:, None, None], persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns scaled and shifted features."""
        return x * self.factor + self.offset


class StepFeatures(Features):
    """The steps of a network with batch norms: its stem, and its blocks as `block1` and so on.

    Args:
        model: The network; its norms are replaced.
        layers: The layers whose outputs are returned.
    """

    rounds_up = True
    has_radius = False

    def __init__(self, model: EfficientNetLite, layers: Iterable[str]) -> None:
        super().__init__(layers)
        _replace_norms(model)
        self.steps.add_module("scaling", Scaling(MEAN, STD))
        self.add(self._steps(model))

    @torch.no_grad()
    def _steps(self, model: EfficientNetLite) -> Iterator[tuple[str, nn.Module, Place]]:
        x = torch.zeros(1, 3, PROBE, PROBE)
        for name, step in {"stem": model.stem, **{f"block{n}": one for n, one in enumerate(model.blocks, 1)}}.items():
            x = step(x)
            yield name, step, Place(PROBE // x.shape[-1], 0, x.shape[1])


def _replace_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, Affine(child))
        else:
            _replace_norms(child)


def make_style_network(name: str, layers: Iterable[str], pooling: Pooling) -> tuple[Features, str]:
    """Reads a network and builds it up to the last layer that is asked for.

    Args:
        name: What `make_feature_network` takes, or the name of weights in `pretrained.PRETRAINED`.
        layers: The layers.
        pooling: How it pools, if it does.

    Returns:
        The network, and its name with a digest of its weights.

    Raises:
        InputError: There is no such network, or it has no such layer.
    """
    kind, _, rest = name.partition(":")
    if kind != "pretrained" or rest not in PRETRAINED:
        return make_feature_network(name, layers, pooling)
    try:
        weights = read_pretrained(rest)
        model = EfficientNetLite(1000, version=rest.removeprefix("efficientnet_"))
        model.load_state_dict(model.state_dict() | model.from_torchvision(weights))
        network = StepFeatures(model, layers)
    except InputError as error:
        raise InputError(f"--model.network {name}: {error}") from error
    except RuntimeError as error:  # of another form
        raise InputError(f"--model.network {name}: weights of another network") from error
    return network, f"{name} {digest_of(*(weights[key] for key in sorted(weights)))}"
