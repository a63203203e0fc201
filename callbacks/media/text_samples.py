"""Samples of the writing of a language model."""

from collections.abc import Iterator

import torch
from pytorch_lightning import LightningModule, Trainer

from core.media import Medium, Text
from core.protocols.writing import HasPrimes, RendersTexts, WritesText, writing_rules
from core.randomness import generator

SAMPLES = "samples"  # name of their file
LENGTH = 300  # symbols to write


def text_sample(trainer: Trainer, model: LightningModule, data: object, length: int = LENGTH) -> Text | None:
    """Lets a model continue the beginning of the validation text.

    Args:
        trainer: Gives seed, epoch and step.
        model: The model, in evaluation mode.
        data: The data module.
        length: Number of symbols to write.

    Returns:
        The beginning and what follows; None for models and data without text to write.
    """
    if not isinstance(model, WritesText) or not isinstance(data, HasPrimes):
        return None
    prime = data.first_prime()
    symbols = torch.tensor([data.encode(prime)], device=model.device)
    rng = generator(trainer.seed, "sample", trainer.current_epoch)
    text = prime + data.decode(model.write(symbols, length, rng, writing_rules(data, symbols))[0])
    return Text(name=SAMPLES, tag="sample", step=trainer.optimizer_steps, text=text, epoch=trainer.current_epoch)


def rendered_sample(trainer: Trainer, model: LightningModule, data: object) -> Iterator[Medium]:
    """Lets a model write a text that can be seen or heard, if the data module can render it, and gives its media."""
    if isinstance(model, WritesText) and isinstance(data, RendersTexts):
        sample = text_sample(trainer, model, data, model.length)
        if sample is not None:
            yield from data.media_of_text(sample.text, sample.step)
