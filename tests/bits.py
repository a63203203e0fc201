"""Equality to the last bit."""

import torch


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
