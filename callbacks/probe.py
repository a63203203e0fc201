"""A look at a network in the middle of training, which leaves no trace."""

import contextlib
from collections.abc import Iterator

import torch
from pytorch_lightning import LightningModule, Trainer

from callbacks.divergence.kept_state import KeptBuffers
from core.evaluation_mode import gradients_in_evaluation
from core.protocols.general import CarriesState
from core.randomness import derived_seed, seed_device


@contextlib.contextmanager
def looking_at(trainer: Trainer, pl_module: LightningModule) -> Iterator[None]:
    """Puts a model into evaluation mode with gradients, as if it had seen nothing yet; all is put back at the end.

    That is its mode, its buffers, the state that it carries from batch to batch, and the random numbers of this
    process, which are the same in every look.
    """
    device = pl_module.device
    kept = KeptBuffers(pl_module)
    kept.keep()
    carried = pl_module.carried if isinstance(pl_module, CarriesState) else None
    with (
        gradients_in_evaluation(pl_module),
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        trainer.precision_plugin.forward_context(),
    ):
        if isinstance(pl_module, CarriesState):
            pl_module.carried = None
        seed_device(derived_seed(trainer.seed, "look"), device)
        try:
            yield
        finally:
            kept.restore()
            if isinstance(pl_module, CarriesState):
                pl_module.carried = carried
