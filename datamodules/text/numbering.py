"""Numbers of the classes and symbols of labelled texts."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.indices import evenly_spaced_indices
from core.predictions import excerpt
from datamodules.base.split import PARTS
from datamodules.base.splitting import choice_of_blocks, stratified_choice
from datamodules.text.documents import Documents
from datamodules.text.encoder import Encoder
from datamodules.text.special_symbols import PADDING, UNKNOWN
from datamodules.text.tables import DIGITS
from datamodules.text.text_files import LabelledTexts

ValSplit = Literal["stratified", "blocks"]
EXAMPLES = 40  # test documents that are shown with their predictions
EXAMPLE_LENGTH = 500  # characters of each that are kept


def class_names_of(train: LabelledTexts, origin: str) -> tuple[str, ...]:
    """Returns the labels of training: numbers in numerical order, then names in alphabetical order.

    Args:
        train: The training texts.
        origin: Their source, for the error message.

    Raises:
        InputError: There are fewer than two.
    """

    def order(name: str) -> tuple[bool, int, str]:
        is_number = name.isdecimal() and len(name) <= DIGITS
        return not is_number, int(name) if is_number else 0, name

    names = sorted(set(train.labels), key=order)
    if len(names) < 2:
        raise InputError(f"{origin}: all training documents have the label {', '.join(names)}; at least two are needed")
    return tuple(names)


def number_classes(part: LabelledTexts, class_names: Sequence[str]) -> Tensor:
    """Returns the class of each text, int64 [N].

    Raises:
        InputError: A label is not among the classes; the message names file and line.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    for label, place in zip(part.labels, part.places, strict=True):
        if label not in numbers:
            raise InputError(f"{place}: label {label!r} is not among those of training: {', '.join(class_names)}")
    return torch.tensor([numbers[label] for label in part.labels])


def split_off_validation(
    texts: dict[str, list[str]],
    targets: dict[str, Tensor],
    val_size: int,
    num_classes: int,
    seed: int,
    kind: ValSplit = "stratified",
) -> None:
    """Moves training texts to a new split `val`, with every class in proportion.

    Args:
        texts: Texts of each split, changed in place.
        targets: Their classes, changed in place.
        val_size: Number of texts to move.
        num_classes: Number of classes.
        seed: Seed of the choice.
        kind: Whether texts are chosen one by one, or in blocks of neighbours.
    """
    choose = choice_of_blocks if kind == "blocks" else stratified_choice
    chosen = choose(targets["train"], val_size, num_classes, seed)
    for part, mask in (("val", chosen), ("train", ~chosen)):
        texts[part] = [text for text, take in zip(texts["train"], mask.tolist(), strict=True) if take]
        targets[part] = targets["train"][mask]


def number_symbols(texts: dict[str, list[str]], encoder: Encoder) -> tuple[dict[str, Tensor], list[str]]:
    """Encodes all texts.

    Args:
        texts: Texts of each split.
        encoder: An encoder with a vocabulary.

    Returns:
        The fields of each split's `Documents`, as `<part>_tokens` and `<part>_starts`, and messages for the user about
        empty and truncated documents.
    """
    tensors, lines = {}, []
    for part in PARTS:
        encoder.reset_counts()
        documents = Documents.of([encoder.encode(text) for text in texts[part]])
        tensors |= {f"{part}_tokens": documents.tokens, f"{part}_starts": documents.starts}
        for count, what in (
            (encoder.documents_empty, "are empty: each counts as one unknown symbol"),
            (encoder.documents_truncated, f"are longer: {truncation(encoder)}"),
        ):
            if count:
                lines.append(f"note     {count:,} of {len(documents):,} {part} documents {what}")
    return tensors, lines


def number_inputs(texts: Sequence[str], encoder: Encoder) -> tuple[Documents, list[str]]:
    """Encodes texts to predict.

    Args:
        texts: The texts, empty where a file cannot be read.
        encoder: An encoder with a vocabulary.

    Returns:
        The documents, and messages for the user about truncated ones, and those of which nothing is known.
    """
    encoder.reset_counts()
    encoded = [encoder.encode(text) for text in texts]
    lines, many = [], f"of {len(texts):,} texts"
    if longer := encoder.documents_truncated:
        lines.append(f"note     {longer:,} {many} are longer: {truncation(encoder)}")
    unknown = [text for text, numbers in zip(texts, encoded, strict=True) if text and {*numbers} <= {PADDING, UNKNOWN}]
    if unknown:
        what = "have no symbol of the vocabulary, so that their classes say nothing"
        lines.append(f"note     {len(unknown):,} {many} {what}; the first is {excerpt(unknown[0])!r}")
    return Documents.of(encoded), lines


def truncation(encoder: Encoder) -> str:
    """Returns a description of how long documents are truncated, for messages."""
    hint = "; a training with data.encoding.max_length keeps more" if encoder.encoding.max_length is None else ""
    return f"the {encoder.encoding.keep} of {encoder.longest} tokens is kept{hint}"


def examples_of(texts: Sequence[str]) -> dict[int, str]:
    """Returns the beginnings of some evenly spaced texts, by index."""
    n = len(texts)
    places = evenly_spaced_indices(n, min(n, EXAMPLES)).tolist()
    return {place: texts[place][:EXAMPLE_LENGTH] for place in places}
