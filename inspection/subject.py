"""A trained network with its data, as views look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor

from core.evaluation_mode import gradients_in_evaluation
from core.protocols.general import HasClasses, HasPoints, PredictsClasses, ReadsDocuments, TakesNamedBatches
from core.protocols.pictures import HasImages, NormalizesImages
from datamodules.batches import ImageBatch, TextBatch
from datamodules.text.encoder import Encoder
from datamodules.text.vocabulary import shown_symbols
from engine.trainer import Trainer
from inspection.collecting import Collector, Samples
from inspection.layers import Call, calls_of
from inspection.views import NotShown

EXAMPLES = 10  # samples that are looked at one by one


@dataclass
class Subject:
    """What is looked at.

    Attributes:
        model: The network, with its trained weights.
        data: Its data module.
        trainer: Its trainer.
        part: Part of the data whose samples are looked at.
        names: Inputs that the user has named, texts and pictures by what `predict` calls them; empty if examples of the
            part take their place.
        samples: All samples of the part, classified; None for a network that does not classify.
        examples: The inputs, or a sample of each class, as the network receives them, one row each.
        seen: What the network makes of the examples.
        step: Optimizer steps that the weights have had.
    """

    model: LightningModule
    data: LightningDataModule
    trainer: Trainer
    part: str
    names: list[str] = field(default_factory=list)
    samples: Samples | None = None
    examples: list[Any] = field(default_factory=list)
    seen: Samples | None = None
    step: int = 0

    def classify(self) -> None:
        """Lets a classifier see the part, and the inputs if there are any."""
        inputs, self.data.inputs = self.data.inputs, []
        collector = self._predict(Collector(most=EXAMPLES))
        self.samples = collector.samples()
        if inputs:
            self.data.inputs = inputs
            collector = self._predict(Collector(most=EXAMPLES))
            self.names = self.data.prediction_names()
        self.examples = collector.batches
        self.seen = collector.samples().take(torch.tensor(collector.rows, dtype=torch.int64))
        self.model.to(self.trainer.strategy.root_device)

    def _predict(self, collector: Collector) -> Collector:
        self.trainer.callbacks.append(collector)
        try:
            self.trainer.predict(self.model, datamodule=self.data, return_predictions=False)
        finally:
            self.trainer.callbacks.remove(collector)
        return collector

    def classified(self) -> Samples:
        """Returns the samples of the part.

        Raises:
            NotShown: The network does not classify.
        """
        if self.samples is None:
            why = "" if isinstance(self.model, PredictsClasses) else f"{type(self.model).__name__} predicts no classes"
            raise NotShown(why or f"{type(self.data).__name__} has no classes")
        return self.samples

    def features(self) -> Tensor:
        """Returns what enters the last dense layer for each sample of the part, float32 [N, D].

        Raises:
            NotShown: There is no such layer.
        """
        features = self.classified().features
        if features is None:
            raise NotShown(f"{type(self.model).__name__} has no last dense layer")
        return features

    def images(self) -> Tensor:
        """Returns the examples as the network receives them, float32 [N, C, H, W].

        Raises:
            NotShown: They are no pictures.
        """
        if not self.shows_images:
            raise NotShown(f"{type(self.model).__name__} classifies no pictures")
        return torch.cat([batch.images for batch in self.examples])

    def texts(self) -> list[TextBatch]:
        """Returns the examples as the network receives them, if they are texts.

        Raises:
            NotShown: They are none.
        """
        if not self.examples or not all(isinstance(batch, TextBatch) for batch in self.examples):
            raise NotShown(f"{type(self.model).__name__} classifies no texts")
        return self.examples

    @property
    def where(self) -> str:
        """What is looked at, in words: the inputs, or the part."""
        return "the inputs" if self.names else self.part

    @property
    def shows_images(self) -> bool:
        """Whether the examples are pictures."""
        pictures = isinstance(self.data, HasImages) and not isinstance(self.data, HasPoints)
        return pictures and bool(self.examples) and all(isinstance(batch, ImageBatch) for batch in self.examples)

    def pixels(self) -> Tensor:
        """Returns the examples as pixels, uint8 [N, H, W, C]."""
        images = self.images().cpu()
        if isinstance(self.data, NormalizesImages):
            return self.data.normalization.undo(images)
        low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
        return ((images - low) / (high - low).clamp(min=1e-9) * 255).byte().permute(0, 2, 3, 1)

    def stored(self, rows: Tensor) -> Tensor:
        """Returns samples of the part as pixels, uint8 [M, H, W, C], by their rows int64 [M].

        Raises:
            NotShown: They are no pictures.
        """
        if not isinstance(self.data, HasImages):
            raise NotShown(f"{type(self.data).__name__} has no pictures")
        return self.data.images_of(self.part, self.classified().places[rows])

    @cached_property
    def documents(self) -> list[str]:
        """The texts of the part, as they were read; empty if they cannot be read again."""
        texts = self.data.split_texts()[0][self.part] if isinstance(self.data, ReadsDocuments) else []
        return texts if len(texts) == self.data.sizes[self.part] else []

    def text_of(self, place: int, tokens: Tensor) -> str:
        """Returns a text of the part, by its place; of the network's symbols [M] if it cannot be read again."""
        return self.documents[place] if self.documents else " ".join(self.symbols_of("", tokens))

    def text_of_example(self, number: int) -> str:
        """Returns the text of an example."""
        if self.names:
            return self.names[number]
        return self.text_of(int(self.seen.places[number]), self.seen.tokens[number])

    def symbols_of(self, text: str, tokens: Tensor) -> list[str]:
        """Returns the symbols that a network reads of a text, as people read them.

        Args:
            text: The text.
            tokens: Numbers of the symbols, [M].

        Raises:
            NotShown: They have no names.
        """
        encoder, numbers = getattr(self.data, "encoder", None), tokens.tolist()
        if isinstance(encoder, Encoder):
            names = encoder.shown_symbols(text, {*numbers})
        else:
            names = shown_symbols(self.data.symbols, {*numbers})
        if not names.keys() >= {*numbers}:
            raise NotShown(f"symbols of {type(self.data).__name__} have no names")
        return [names[number] for number in numbers]

    @property
    def reads_ngrams(self) -> bool:
        """Whether the symbols of a text are others than its words, one behind the other."""
        encoder = getattr(self.data, "encoder", None)
        return isinstance(encoder, Encoder) and (encoder.encoding.ngrams > 1 or encoder.encoding.unique)

    def example_names(self) -> list[str]:
        """Returns what the examples are called: inputs by their names, samples by their places."""
        if self.names:
            return self.names[: len(self.examples)]
        return [f"{self.part}[{place}]" for place in self.seen.places.tolist()]

    @cached_property
    def calls(self) -> list[Call]:
        """The layers that a picture goes through."""
        images = self.images()[:1]
        with self.explaining():
            return calls_of(self.model, lambda: self.model(images))

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Puts the network into evaluation mode, with gradients."""
        with gradients_in_evaluation(self.model):
            yield


def is_classifier(model: LightningModule, data: LightningDataModule) -> bool:
    """Returns whether a network gives probabilities of classes that its data names."""
    return isinstance(model, PredictsClasses) and isinstance(model, TakesNamedBatches) and isinstance(data, HasClasses)
