"""What a network does for those who ask: classes of pictures and of documents, and texts that it writes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from core.errors import InputError
from core.protocols.export_forms import ExportForm, HasExportForm
from core.protocols.general import HasPoints
from core.protocols.pictures import DecodesPictures
from core.protocols.writing import DrawsSymbols, HasPrimes, WritesText, WritingRules, writing_rules, written_by
from core.terminal.printable import printable
from datamodules.text.text_files import check_text

SHOWN = 10  # classes of an answer, the most probable first
TOKENS = 2**17  # most of the texts that are computed at once, padding included


class Classifying:
    """Classes of samples.

    Args:
        form: The network.
        class_names: Names of its classes.
    """

    def __init__(self, form: ExportForm, class_names: Sequence[str]) -> None:
        self.form = form
        self.class_names = [*map(printable, class_names)]  # those of folders may be no UTF-8, as answers are

    @torch.inference_mode()
    def probabilities(self, inputs: tuple[Tensor, ...]) -> list[Tensor]:
        """Returns the probabilities of each sample, float32 [K]."""
        return list(self.form.network(*inputs)[1].unbind())

    def answer(self, probabilities: Tensor) -> dict[str, Any]:
        """Returns the most probable classes of a sample as plain values."""
        best, places = probabilities.topk(min(SHOWN, len(probabilities)))
        classes = [
            {"name": self.class_names[place], "probability": round(value, 6)}
            for place, value in zip(places.tolist(), best.tolist(), strict=True)
        ]
        return {"class": classes[0]["name"], "probability": classes[0]["probability"], "classes": classes}


class ClassifiesPictures(Classifying):
    """Classes of pictures, which come as files.

    Args:
        form: The network.
        data: Decodes pictures as the network was trained on them.
    """

    kind = "pictures"

    def __init__(self, form: ExportForm, data: DecodesPictures) -> None:
        super().__init__(form, form.facts["class_names"])
        self.data = data

    def about(self) -> dict[str, Any]:
        """Returns what the network takes and answers."""
        _, height, width, channels = self.form.inputs[0].axes
        return {"class_names": self.class_names, "height": height, "width": width, "channels": channels}

    def read(self, content: bytes) -> Tensor:
        """Returns the pixels of a picture file, uint8 [H, W, C].

        Raises:
            InputError: It is none.
        """
        return self.data.decode_picture(content)

    def compute(self, pictures: Sequence[Tensor]) -> list[Tensor]:
        """Returns the probabilities of pictures."""
        return self.probabilities((torch.stack(list(pictures)),))


class ClassifiesDocuments(Classifying):
    """Classes of documents.

    Args:
        form: The network.
        data: Numbers the symbols of a text.
    """

    kind = "documents"

    def __init__(self, form: ExportForm, data: Any) -> None:
        super().__init__(form, form.facts["class_names"])
        self.data = data

    def about(self) -> dict[str, Any]:
        """Returns what the network answers."""
        return {"class_names": self.class_names}

    def read(self, text: str) -> Tensor:
        """Returns the numbers of a text's symbols, int64 [M].

        Raises:
            InputError: It is empty, or holds what is no character.
        """
        check_text(text)
        return torch.tensor(self.data.encode(text))

    def compute(self, documents: Sequence[Tensor]) -> list[Tensor]:
        """Returns the probabilities of documents, of which those of similar length are computed together."""
        order = sorted(range(len(documents)), key=lambda place: len(documents[place]))
        results: dict[int, Tensor] = {}
        while order:
            count = max(1, TOKENS // len(documents[order[-1]]))
            order, together = order[:-count], order[-count:]
            chosen = [documents[place] for place in together]
            tokens = pad_sequence(chosen, batch_first=True)
            lengths = torch.tensor([len(document) for document in chosen])
            results |= dict(zip(together, self.probabilities((tokens, lengths)), strict=True))
        return [results[place] for place in range(len(documents))]


@dataclass(frozen=True)
class Wish:
    """What is to be written.

    Attributes:
        prime: Beginning of the text.
        length: Number of symbols, at most.
        seed: Seed of what is drawn.
        settings: How symbols are drawn, where that differs from the model's own settings.
        stream: Whether it is sent letter by letter.
    """

    prime: str
    length: int
    seed: int
    settings: dict[str, float]
    stream: bool = False


class Writing:
    """Texts that a language model writes symbol by symbol.

    Args:
        model: The model.
        form: Its step.
        data: Turns texts into symbols and back.
    """

    kind = "symbols"

    def __init__(self, model: Any, form: ExportForm, data: HasPrimes) -> None:
        self.form = form
        self.data = data
        self.sampling = model.sampling
        self.length: int = model.length

    def about(self) -> dict[str, Any]:
        """Returns how the network writes unless it is asked otherwise."""
        return {"sampling": asdict(self.sampling), "length": self.length, "prime": ""}

    @torch.inference_mode()
    def compute(self, steps: Sequence[tuple[Tensor, ...]]) -> list[tuple[Tensor, ...]]:
        """Returns logits [1, V] and state after some symbols of each text; texts alike in shape go together."""
        alike: dict[Any, list[int]] = defaultdict(list)
        for place, step in enumerate(steps):
            alike[tuple(tensor.shape for tensor in step)].append(place)
        results: dict[int, tuple[Tensor, ...]] = {}
        for places in alike.values():
            count = max(1, TOKENS // steps[places[0]][0].shape[1])  # a text's beginning is read in one step
            for begin in range(0, len(places), count):
                chosen = places[begin : begin + count]
                inputs = tuple(map(torch.cat, zip(*(steps[place] for place in chosen), strict=True)))
                outputs = [output.split(1) for output in self.form.network(*inputs)]
                results |= dict(zip(chosen, zip(*outputs, strict=True), strict=True))
        return [results[place] for place in range(len(steps))]

    def begin(self, wish: Wish) -> "Text":
        """Returns a text that has not been written yet.

        Raises:
            InputError: Its beginning cannot be continued, or symbols cannot be drawn so.
        """
        check_text(wish.prime, may_be_empty=True)
        prime = torch.tensor([self.data.encode(wish.prime)])
        sampling = replace(self.sampling, **wish.settings)
        return Text(self.form, prime, sampling, wish, writing_rules(self.data, prime))


class Text:
    """A text that is being written.

    Args:
        form: The model's step.
        prime: Symbols of its beginning, [1, T].
        sampling: How symbols are drawn.
        wish: What is to be written.
        rules: What may be written.
    """

    def __init__(self, form: ExportForm, prime: Tensor, sampling: Any, wish: Wish, rules: WritingRules | None) -> None:
        self.sampling = sampling
        self.rules = rules
        self.left = wish.length
        self._rng = written_by(wish.seed)
        self._next, self._state = prime, form.start
        self._marked = len(form.inputs) > 1 + len(form.start)

    @property
    def step(self) -> tuple[Tensor, ...]:
        """What the model reads next: symbols, their marks if it reads any, and the state before them."""
        marks = (self.rules.marks(),) if self._marked else ()
        return self._next, *marks, *self._state

    def take(self, outputs: tuple[Tensor, ...]) -> Tensor | None:
        """Draws the next symbol, int64 [1], after the outputs of a step; None at the text's end."""
        logits, *state = outputs
        self._state = tuple(state)
        allowed = None if self.rules is None else self.rules.allowed(self.left)
        self.left -= 1
        self._next = self.sampling.draw(logits, self._rng, allowed)
        if self.rules is not None:
            self.rules.take(self._next.flatten())
            if int(self._next) == self.rules.stop:
                self.left = 0
                return None
        return self._next.flatten()


Service = ClassifiesPictures | ClassifiesDocuments | Writing


def service_of(model: LightningModule, data: Any) -> Service:
    """Returns what a model does for those who ask.

    Raises:
        InputError: It does nothing that can be asked for.
    """
    form = model.export_form(data) if isinstance(model, HasExportForm) else None
    has_pictures = isinstance(data, DecodesPictures) and not isinstance(data, HasPoints)
    if form is not None and form.kind == "pictures" and has_pictures:
        return ClassifiesPictures(form, data)
    if form is not None and form.kind == "documents":
        return ClassifiesDocuments(form, data)
    if form is not None and isinstance(model, WritesText) and isinstance(model, DrawsSymbols):
        return Writing(model, form, data)
    raise InputError(
        f"serve: {type(model).__name__} neither classifies pictures or texts nor writes texts; predict uses it"
    )
