"""Samples of the writing of a language model."""

import torch
from pytorch_lightning import LightningModule, Trainer

from core.media import Text
from core.randomness import generator
from core.writing import HasPrimes, WritesText, writing_rules

LENGTH = 300  # symbols to write


def text_sample(trainer: Trainer, model: LightningModule, data: object) -> Text | None:
    """Lets a model continue the beginning of the validation text.

    Args:
        trainer: Gives seed, epoch and step.
        model: The model, in evaluation mode.
        data: The data module.

    Returns:
        The beginning and what follows; None for models and data without text to write.
    """
    if not isinstance(model, WritesText) or not isinstance(data, HasPrimes):
        return None
    prime = data.first_prime()
    symbols = torch.tensor([data.encode(prime)], device=model.device)
    rng = generator(trainer.seed, "sample", trainer.current_epoch)
    text = prime + data.decode(model.write(symbols, LENGTH, rng, writing_rules(data, symbols))[0])
    return Text(name="samples", tag="sample", step=trainer.optimizer_steps, text=text, epoch=trainer.current_epoch)
