"""How a run knows its data again: by a digest of samples in memory, and what else its checkpoints keep of them."""

import hashlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def digest_of(*parts: Any) -> str | None:
    """Returns a digest of all numbers in parts of a data set, in order.

    Args:
        parts: Tensors, or objects that hold tensors at any depth.

    Returns:
        Hexadecimal digits; None if there is no number in memory, as of pictures that stay on disk.
    """
    tensors = [tensor for part in parts for tensor in _tensors(part)]
    if not any(tensor.numel() for tensor in tensors):
        return None
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {list(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def joined(*digests: str | None) -> str:
    """Returns one digest of several, of which some may not be known."""
    return hashlib.sha256(" ".join(map(str, digests)).encode()).hexdigest()[:16]


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return [tensor for name in sorted(getattr(value, "__dict__", {})) for tensor in _tensors(vars(value)[name])]


def difference(before: dict[str, Any], now: dict[str, Any], unit: str, whole: bool = False) -> str | None:
    """Returns in words how the data of a checkpoint differs from that of the present call; None if it does not.

    Args:
        before: The facts in a checkpoint; an older one lacks some.
        now: The present facts.
        unit: Name of the samples.
        whole: Whether the digest of samples is of all that training reads, so that files may differ.
    """
    if before.get("batch_size", now["batch_size"]) != now["batch_size"]:
        return f"data.batch_size is {now['batch_size']} now, and this run has {before['batch_size']}"
    batches = before.get("batches"), now.get("batches")
    if None not in batches and batches[0] != batches[1]:
        return f"an epoch has {batches[1]:,} batches now, and in this run it had {batches[0]:,}"
    how = _change(before, now, unit, whole)
    return how and f"the {unit} have changed since this run stopped ({how})"


def change_when_measured(
    before: dict[str, Any], now: dict[str, Any], unit: str, cut_by: Iterable[str] = (), whole: bool = False
) -> str | None:
    """Returns in words how training and validation data differ from those of the checkpoint that is measured.

    Of samples that are cut by other sizes than in training, or by sizes that an earlier release did not keep, nothing
    can be said.

    Args:
        before: The facts in the checkpoint.
        now: The present facts.
        unit: Name of the samples.
        cut_by: Names of the facts by which samples are cut.
        whole: As of `difference`.

    Returns:
        The words; None if nothing differs.
    """
    if any(before.get(name) != now[name] for name in cut_by):
        return None
    how = _change(before, now, unit, whole)
    return how and f"the {unit} have changed since this run was trained ({how})"


def _change(before: dict[str, Any], now: dict[str, Any], unit: str, whole: bool) -> str | None:
    for part, kind in (("train", "training"), ("val", "validation")):
        sizes = [facts.get("sizes", {}).get(part) for facts in (before, now)]
        if None not in sizes and sizes[0] != sizes[1]:
            return f"{sizes[0]:,} {kind} {unit} then, {sizes[1]:,} now"
    files, content = ((before.get(name), now.get(name)) for name in ("files", "content"))
    if files[0] not in (None, files[1]) and (None in content or not whole):
        return "as many then as now, but other files"
    if None not in content and content[0] != content[1]:
        return "as many then as now, but others, or in another order"
    return None
