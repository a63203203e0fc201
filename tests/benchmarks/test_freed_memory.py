"""Steps are timed, and their page faults counted."""

import pytest

from benchmarks import freed_memory
from tests.tiny import tiny_vgg


def test_steps_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory, "vgg", lambda: tiny_vgg(image_size=32, num_classes=10))
    monkeypatch.setattr(freed_memory, "IMAGES", 2)
    measured = freed_memory.train(kept=False)
    assert measured["milliseconds"] > 0
    assert measured["faults"] >= 0
