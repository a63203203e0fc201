"""Parts of a data set of sentences and translations: what is set aside, and what is left out."""

from collections.abc import Mapping, Sequence

import torch

from core.errors import InputError
from datamodules.base.split import PARTS
from datamodules.pairs.encoder import PairEncoder
from datamodules.pairs.files import SentencePairs
from datamodules.pairs.pairs import Pairs
from datamodules.text.documents import Documents
from datamodules.text.special_symbols import END


def check_parts(dataset: str, files: Mapping[str, Sequence[str] | None], sizes: Mapping[str, int]) -> None:
    """Checks that the files of each part are a table or two of lines, and that no part is given twice.

    Args:
        dataset: `files`, or the name of a data set with files of its own.
        files: The files that are given for each part; None for no part of that name.
        sizes: Number of training pairs to set aside for a part.

    Raises:
        InputError: They are not, or one is.
    """
    for part, names in files.items():
        if names is not None and len(names) not in (1, 2):
            raise InputError(f"data.{part}_files: {len(names)} files; give one of two columns, or two line by line")
        if names is not None and dataset != "files":
            raise InputError(f"data.{part}_files: {dataset} has files of its own; add --data.dataset files")
        if sizes.get(part) and (names is not None or dataset != "files"):
            raise InputError(f"data.{part}_size: there are {part} pairs already, in files of their own")


def split_pairs(
    parts: Mapping[str, SentencePairs], sizes: Mapping[str, int], how: str, seed: int
) -> dict[str, SentencePairs]:
    """Sets training pairs aside for parts that a data set does not have.

    Args:
        parts: The pairs of each part, those of training among them.
        sizes: Number of pairs of each part to set aside.
        how: `first` for the first of the file, in the order of `sizes`; `random` for whole sentences with all their
            translations, until there are at least as many.
        seed: Seed of the random choice.

    Returns:
        All parts, those without pairs empty.

    Raises:
        InputError: Fewer than one pair is left to train on.
    """
    train = parts["train"]
    absent = {part: size for part, size in sizes.items() if part not in parts and size}
    if sum(absent.values()) >= len(train):
        named = " and ".join(f"data.{part}_size" for part in absent)
        raise InputError(f"{named}: too large for {len(train):,} pairs; give fewer, such as {len(train) // 10}")
    groups = [[place] for place in range(len(train))]
    if how == "random" and absent:
        by_sentence: dict[str, list[int]] = {}
        for place, sentence in enumerate(train.sources):
            by_sentence.setdefault(sentence, []).append(place)
        groups = list(by_sentence.values())
        order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(seed))
        groups = [groups[place] for place in order.tolist()]
    chosen, rest = {}, iter(groups)
    for part, size in absent.items():
        chosen[part] = []
        while len(chosen[part]) < size and (group := next(rest, None)):
            chosen[part] += group
    train, *others = _apart(train, [sorted(places) for places in chosen.values()])
    if not train:
        raise InputError("data.val_size and data.test_size: a sentence's translations stay together: none is left")
    made = {"train": train} | dict(zip(chosen, others, strict=True))
    return {part: SentencePairs() for part in PARTS} | dict(parts) | made


def _apart(pairs: SentencePairs, places: Sequence[Sequence[int]]) -> list[SentencePairs]:
    """Returns the pairs at each of several groups of places, and before them all others."""
    taken = {place for group in places for place in group}
    others = pairs.take([place for place in range(len(pairs)) if place not in taken])
    others.notes = pairs.notes
    return [others, *(pairs.take(group) for group in places)]


def number_pairs(
    parts: Mapping[str, SentencePairs], encoder: PairEncoder, max_length: int, origin: str
) -> tuple[dict[str, Pairs], list[str]]:
    """Encodes the pairs of all parts; longer ones are left out of training, and cut elsewhere.

    Args:
        parts: The pairs of each part.
        encoder: An encoder with a vocabulary.
        max_length: Most symbols of a sentence, and of a translation with the mark of its end.
        origin: Where the pairs come from, for the error message.

    Returns:
        The numbered parts, and lines for the user about what was left out or cut.

    Raises:
        InputError: All training pairs are longer.
    """
    splits, lines = {}, []
    known = set(parts["train"].sources) if "train" in parts else set()
    for part, pairs in parts.items():
        sources, targets = encoder.encode_sources(pairs.sources), encoder.encode_targets(pairs.targets)
        seen = [sentence in known for sentence in pairs.sources]
        longer = [max(len(source), len(target)) > max_length for source, target in zip(sources, targets, strict=True)]
        what = "sentences are cut" if part == "predict" else f"{part} pairs are cut"
        if part == "train":
            what = "training pairs are left out"
            kept = [place for place, is_longer in enumerate(longer) if not is_longer]
            sources, targets, seen = ([values[place] for place in kept] for values in (sources, targets, seen))
            if not sources:
                raise InputError(f"{origin}: all pairs are longer than data.max_length, {max_length} symbols")
        else:
            sources = [numbers[:max_length] for numbers in sources]
            targets = [n if len(n) <= max_length else [*n[: max_length - 1], END] for n in targets]
        if count := sum(longer):
            why = f"longer than {max_length} symbols, data.max_length"
            lines.append(f"note     {count:,} of {len(pairs):,} {what}: {why}")
        splits[part] = Pairs(Documents.of(sources), Documents.of(targets), torch.tensor(seen, dtype=torch.bool))
    return splits, lines
