"""Embeddings of two vocabularies and the softmax over one of them, which can share their weights."""

from typing import Literal

from torch import nn

from core.errors import InputError

Tie = Literal["none", "target", "all"]


def embeddings_and_head(
    sizes: tuple[int, int], embedding: int, outputs: int, tie: Tie
) -> tuple[nn.Embedding, nn.Embedding, nn.Linear]:
    """Returns embeddings of sources and targets, and the dense layer before the softmax over targets.

    Args:
        sizes: Number of symbols of sources and of targets.
        embedding: Width E of the embeddings.
        outputs: Width of what the dense layer reads.
        tie: Which weights are one: none, those of `target` embedding and softmax, or `all`.

    Raises:
        InputError: Weights of different shapes are to be one.
    """
    if tie == "all" and sizes[0] != sizes[1]:
        raise InputError(
            f"model.tie is all: sentences have {sizes[0]:,} symbols and translations {sizes[1]:,}; they share "
            "embeddings if they share a vocabulary (--data.encoding.joint true)"
        )
    if tie != "none" and embedding != outputs:
        raise InputError(f"model.tie is {tie}: the embedding is {embedding} wide, and the softmax reads {outputs}")
    target = nn.Embedding(sizes[1], embedding)
    source = target if tie == "all" else nn.Embedding(sizes[0], embedding)
    head = nn.Linear(outputs, sizes[1])
    if tie != "none":
        nn.init.normal_(target.weight, std=embedding**-0.5)  # logits start with a size of about 1
        if tie == "target":
            nn.init.normal_(source.weight, std=embedding**-0.5)
        nn.init.zeros_(head.bias)
        head.weight = target.weight
    return source, target, head
