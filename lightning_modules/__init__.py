"""Networks: one LightningModule a file. They are imported by name, so that none is loaded unasked."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_modules.vgg import VGG

_PLACES = {"VGG": "lightning_modules.vgg"}

__all__ = ["VGG"]


def __getattr__(name: str) -> type:
    if name not in _PLACES:
        raise AttributeError(f"module 'lightning_modules' has no attribute '{name}'")
    return getattr(import_module(_PLACES[name]), name)
