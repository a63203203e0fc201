"""Networks as other programs use them: what happens to their inputs is within, and a text is read symbol by symbol."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.protocols.export_forms import ExportForm, PreparesInputs, Slot, StatesVocabulary
from core.protocols.general import HasClasses
from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.recurrent import State

CLASSES = (
    Slot("logits", ("batch", "classes"), "float32, before the softmax"),
    Slot("probabilities", ("batch", "classes"), "float32, one for each of class_names"),
)


class FromSamples(nn.Module):
    """A classifier of samples as they are before they are prepared.

    Args:
        model: The classifier, whose weights these are.
        prepare: Makes what it receives of samples.
        logits: Makes logits of that.
    """

    def __init__(self, model: nn.Module, prepare: Callable[..., Tensor], logits: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model = model
        self.prepare = prepare
        self.logits = logits

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits and probabilities, [B, K], of samples [B, ...]."""
        logits = self.logits(self.prepare(samples, {}))
        return logits, logits.softmax(1)


class FromTokens(nn.Module):
    """A classifier of documents.

    Args:
        model: The classifier, whose `forward` makes logits of tokens and lengths.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits and probabilities, [B, K], of tokens [B, M] in documents of lengths [B]."""
        logits = self.model(tokens, lengths).float()
        return logits, logits.softmax(1)


class FromSymbol(nn.Module):
    """One step of a language model, whose state is a flat sequence of tensors.

    Args:
        model: The model.
        marked: Whether it reads marks beside each symbol.
        sizes: Number of tensors of each layer's state.
    """

    def __init__(self, model: nn.Module, marked: bool, sizes: list[int]) -> None:
        super().__init__()
        self.model = model
        self.marked = marked
        self.sizes = sizes

    def forward(self, symbols: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """Returns logits [B, V] of the next symbol, and the state after symbols [B, 1].

        Args:
            symbols: The symbols.
            others: Their marks, if the model reads any, and the state before them.
        """
        marks, *state = others if self.marked else (None, *others)
        tensors, before = iter(state), []
        for size in self.sizes:
            before.append(tuple(next(tensors) for _ in range(size)))
        logits, after = self.model(symbols, before, marks)
        return logits[:, -1].float(), *(tensor for layer in after for tensor in layer)


def form_of_samples(model: nn.Module, data: Any, logits: Callable[[Tensor], Tensor]) -> ExportForm:
    """Returns a classifier of pictures or points as other programs use it.

    Args:
        model: The classifier.
        data: Its data module.
        logits: Makes logits, float32 [B, K], of what the data prepares.

    Raises:
        InputError: The data prepares nothing, or has no classes.
    """
    if not isinstance(data, PreparesInputs) or not isinstance(data, HasClasses):
        raise InputError(f"{type(data).__name__} does not say how its samples are prepared, which a file has to hold")
    example = data.example_inputs(1, torch.Generator())
    # constants that are made once and kept: an exporter, which runs with stand-ins of tensors, would leave one there
    data.prepare(example, {})
    kind = "0 to 255, red green blue or grey" if example.dtype == torch.uint8 else "as they are"
    words = f"{str(example.dtype).removeprefix('torch.')} [batch, height, width, channels], {kind}"
    return ExportForm(
        "pictures",
        FromSamples(model, data.prepare, logits),
        (Slot(data.unit, ("batch", *example.shape[1:]), words),),
        CLASSES,
        lambda n, rng: (data.example_inputs(n, rng),),
        {"class_names": list(data.class_names)},
    )


def form_of_documents(model: nn.Module, data: Any, segment: int = 0) -> ExportForm:
    """Returns a classifier of documents as other programs use it; they number the symbols.

    Args:
        model: The classifier.
        data: Its data module.
        segment: Tokens of each segment into which the classifier cuts a document; 0 if it cuts none.

    Raises:
        InputError: The data has no vocabulary, or no classes.
    """
    if not isinstance(data, StatesVocabulary) or not isinstance(data, HasClasses):
        raise InputError(f"{type(data).__name__} has no vocabulary that a file could hold")
    vocab_size = data.vocab_size

    def examples(n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        # one document that is not cut, or several of which some are
        longest = 9 + n + segment if n > 1 else min(10, segment or 10)
        lengths = torch.randint(1, longest + 1, (n,), generator=rng)
        lengths[-1] = longest
        tokens = torch.randint(vocab_size, (n, longest), generator=rng)
        return tokens * padding_mask(lengths, longest), lengths

    return ExportForm(
        "documents",
        FromTokens(model),
        (
            Slot("tokens", ("batch", "length"), "int64, numbers of symbols by the vocabulary, padded with 0"),
            Slot("lengths", ("batch",), "int64, number of symbols of each document, at least 1"),
        ),
        CLASSES,
        examples,
        {"class_names": list(data.class_names), "vocabulary": data.vocabulary_content()},
    )


def form_of_steps(model: nn.Module, data: Any, mark_sizes: tuple[int, ...]) -> ExportForm:
    """Returns a language model as other programs use it, which reads a symbol at a time and hands them its state.

    Raises:
        InputError: The data has no vocabulary.
    """
    if not isinstance(data, StatesVocabulary):
        raise InputError(f"{type(data).__name__} has no vocabulary that a file could hold")
    vocab_size = data.vocab_size

    def text(n: int, length: int, rng: torch.Generator) -> tuple[Tensor, Tensor | None]:
        symbols = torch.randint(vocab_size, (n, length), generator=rng)
        marks = [torch.randint(size, (n, length), generator=rng) for size in mark_sizes]
        return symbols, torch.stack(marks, 2) if marks else None

    def examples(n: int, rng: torch.Generator) -> tuple[Tensor, ...]:
        if n == 1:
            state = beginning(model, n)
        else:
            read, marks = text(n, n + 3, rng)
            _, state = model(read, None, marks)
        symbols, marks = text(n, 1, rng)
        return symbols, *([] if marks is None else [marks]), *(tensor for layer in state for tensor in layer)

    state = beginning(model, 1)
    start = tuple(tensor for layer in state for tensor in layer)
    slots = [
        Slot(f"state_{place}", ("batch", *(size or "memory" for size in tensor.shape[1:])), words(tensor))
        for place, tensor in enumerate(start)
    ]
    marks = [Slot("marks", ("batch", 1, len(mark_sizes)), f"int64, {data.mark_words}")] if mark_sizes else []
    return ExportForm(
        "symbols",
        FromSymbol(model, bool(mark_sizes), [len(layer) for layer in state]),
        (
            Slot("symbols", ("batch", 1), "int64, numbers of symbols by the vocabulary"),
            *marks,
            *slots,
        ),
        (
            Slot("logits", ("batch", vocab_size), "float32, of the next symbol, before the softmax"),
            *(Slot(f"next_{slot.name}", slot.axes, f"{slot.name} of the next step") for slot in slots),
        ),
        examples,
        {"vocabulary": data.vocabulary_content()},
        start,
    )


def words(tensor: Tensor) -> str:
    """Returns what a part of a state is at the beginning of a text."""
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"{kind}, of memory 0 at first" if 0 in tensor.shape else f"{kind}, zeros at first"


@torch.no_grad()
def beginning(model: nn.Module, n: int) -> State:
    """Returns the state of a language model before n texts: zeros, and memories of length 0.

    A dimension that grows with each symbol is the length of a memory.
    """
    symbols = torch.zeros(n, 2, dtype=torch.int64, device=next(model.parameters()).device)
    after = [model.continue_from(None, model.embed(symbols[:, :length]))[1] for length in (1, 2)]
    return [
        tuple(
            torch.zeros(
                [size if size == grown else 0 for size, grown in zip(one.shape, two.shape, strict=True)],
                dtype=one.dtype,
                device=one.device,
            )
            for one, two in zip(*layers, strict=True)
        )
        for layers in zip(*after, strict=True)
    ]
