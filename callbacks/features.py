"""Features of pictures that a fixed part of a network computes once, in place of the pictures."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Literal

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from callbacks.views import Views
from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.protocols.encoding import EncodesPictures, HasSteps, KeepsFeatures
from core.ranges import check_range
from datamodules.base.data_module import DataModule
from lightning_modules.layers.folding import folded

TYPES = {16: torch.float16, 32: torch.float32}


class Features(KeepsArguments, Callback):
    """Trains what follows a fixed part of a network on what that part makes of each picture, computed once and kept.

    Models that have a fixed part of their own (`core.protocols.encoding.EncodesPictures`) use it in any case.

    Args:
        until: Last step of the fixed part, such as `pool`; the steps of a network are named if there is none of this
            name. If not given, the whole network trains on pictures.
        views: Number of views of each training picture that `data.augmentation` makes and the fixed part encodes; in
            every epoch one of them is drawn. 0 encodes pictures as they are.
        bits: Bits of a kept number: 16 halves memory, 32 keeps float32.

    Raises:
        InputError: The number of views is negative.
    """

    def __init__(self, until: str | None = None, views: int = 0, bits: Literal[16, 32] = 16) -> None:
        check_range("features.views", views)
        self.until = until
        self.views = views
        self.bits = bits
        self._encoder: nn.Module | None = None
        self._frozen: list[nn.Parameter] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Freezes the fixed part, and gives it to the data, before an optimizer or a process group sees the model.

        Raises:
            InputError: The network cannot be divided there, or the data has no pictures or changes them.
        """
        if any(isinstance(one, Views) and one.acts_in(stage) for one in trainer.callbacks):  # of pictures
            return
        if self.until is not None:
            _divide(pl_module, self.until)
        encoder = pl_module.picture_encoder() if isinstance(pl_module, EncodesPictures) else None
        if encoder is None:
            return
        data = trainer.datamodule
        if not isinstance(data, KeepsFeatures):
            name = data.name if isinstance(data, DataModule) else type(data).__name__
            raise InputError(f"--features: these are of pictures, and {name} keeps none")
        data.check_encoding(self.views)
        self._encoder = encoder
        self._frozen = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        for parameter in self._frozen:
            parameter.requires_grad_(False)
        data.encoder = FixedNetwork(
            encoder,
            trainer.strategy.root_device,
            str(trainer.precision),
            trainer.precision_plugin.forward_context,
            TYPES[self.bits],
            self.views,
        )

    def never_trained(self) -> Iterator[Tensor]:
        """Yields the parameters and buffers of the fixed part, if there is one."""
        if self._encoder is not None:
            yield from self._encoder.parameters()
            yield from self._encoder.buffers()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the data its pictures back, and the network its first part, which another run may train."""
        self._encoder = None
        while self._frozen:
            self._frozen.pop().requires_grad_(True)
        if isinstance(trainer.datamodule, KeepsFeatures):
            trainer.datamodule.encoder = None
        if self.until is not None and isinstance(pl_module, HasSteps):
            pl_module.encode_until(None)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Gives the data its pictures back, and the network its first part."""
        self.teardown(trainer, pl_module, "")


def fixed_part(model: LightningModule, until: str | None) -> tuple[str, list[nn.Module]]:
    """Returns what keeps a first part of a network fixed, in words, and the modules of that part; none if nothing does.

    Args:
        model: The model, which need not be divided yet.
        until: Value of `--features.until`.
    """
    if until is not None:
        steps = dict(model.steps()) if isinstance(model, HasSteps) else {}
        return "--features.until", [*steps.values()][: [*steps].index(until) + 1] if until in steps else []
    encoder = model.picture_encoder() if isinstance(model, EncodesPictures) else None
    return ("", []) if encoder is None else (type(model).__name__, [encoder])


def _divide(pl_module: LightningModule, step: str) -> None:
    name = type(pl_module).__name__
    steps = pl_module.steps() if isinstance(pl_module, HasSteps) else {}
    if not steps:
        raise InputError(f"--features.until {step}: {name} is no chain of steps, and cannot be divided")
    if step not in steps:
        raise InputError(f"--features.until {step}: {name} has no step of this name; it has {', '.join(steps)}")
    rest = [one for name in list(steps)[list(steps).index(step) + 1 :] for one in steps[name].parameters()]
    if not any(parameter.requires_grad for parameter in rest):
        raise InputError(f"--features.until {step}: nothing is left to train behind it")
    pl_module.encode_until(step)


class FixedNetwork:
    """A network that encodes pictures: in evaluation mode, without gradients, in the trainer's precision.

    Args:
        network: The network.
        device: Where it runs.
        precision: Name of the precision.
        context: The context of a forward pass.
        dtype: Type in which features are kept.
        views: Augmented views that training pictures have.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        precision: str,
        context: Callable[[], AbstractContextManager],
        dtype: torch.dtype,
        views: int = 0,
    ) -> None:
        self.network = network
        self.device = device
        self.precision = precision
        self.context = context
        self.dtype = dtype
        self.views = views
        self._faster: nn.Module | None = None

    @property
    def key(self) -> str:
        """A digest of the layers, of the weights, which a checkpoint may have set by now, and of the precision."""
        digest = hashlib.sha256(f"{self.network!r} {self.precision} {self.dtype}".encode())
        for name, value in self.network.state_dict().items():
            digest.update(f"{name} {value.dtype} {list(value.shape)}".encode())
            digest.update(value.cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Returns the features of normalised pictures [B, C, H, W]."""
        if self._faster is None:  # made once a checkpoint has set the weights
            self._faster = folded(self.network).to(self.device)
        tensors = (*self._faster.parameters(), *self._faster.buffers())
        format_ = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), images.dtype)
        with self.context():
            return self._faster(images.to(self.device, format_)).to(self.dtype)
