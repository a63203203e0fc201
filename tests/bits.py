"""Equality to the last bit."""

import csv
from pathlib import Path

import torch


def figures_of(rows: Path) -> list[list[str]]:
    """Returns the lines of a `metrics.csv`, header first, without its seconds, which no two runs share."""
    lines = list(csv.reader(rows.read_text(encoding="utf-8").splitlines()))
    kept = [place for place, name in enumerate(lines[0]) if name != "seconds"]
    return [[line[place] for place in kept] for line in lines]


def assert_same_bits(ours: object, theirs: object, where: str = "") -> None:
    """Compares what checkpoints hold, through dicts and lists; `where` names the difference."""
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            assert_same_bits(ours[key], theirs[key], f"{where}/{key}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), where
        for place, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same_bits(*pair, f"{where}/{place}")
    else:
        assert ours == theirs, where
