"""Whether a network can be used without this project."""

import os
from typing import Any

import pytest

from core.protocols.export_forms import ExportForm
from engine.export.formats import FORMATS
from engine.export.parity import differences

# TorchScript takes a tenth of a second, ONNX seconds: `EXPORT_FORMAT=onnx python -m pytest -k without_this_project`
# tries ONNX with every form of every architecture.
FORMAT = os.environ.get("EXPORT_FORMAT", "torchscript")


def keep_operators() -> None:
    """Lets torch's exporter collect the operators of ONNX once a process, which is a third of each small export."""
    from torch.onnx._internal.exporter import _registration

    registry, made = _registration.ONNXRegistry, {}
    collect = registry.from_torchlib.__func__
    if collect.__name__ == "once":
        return

    def once(cls: type, *arguments: Any, **settings: Any) -> Any:
        key = (cls, arguments, *sorted(settings.items()))
        if key not in made:
            made[key] = collect(cls, *arguments, **settings)
        return made[key]

    registry.from_torchlib = classmethod(once)


def assert_runs_elsewhere(form: ExportForm, name: str = FORMAT) -> None:
    """Checks that a file of a network computes what the network does, for any number of samples.

    Args:
        form: The network.
        name: Name of the format.
    """
    if name == "onnx":
        for package in ("onnx", "onnxruntime", "onnxscript"):
            pytest.importorskip(package, reason="the extra `export` is not installed")
        keep_operators()
    run = FORMATS[name].read(FORMATS[name].make(form, {"class_names": ["a", "b"]}))
    reasons = [one.reason for one in differences(form, run) if one.reason]
    if name == "exported_program" and any("memory" in slot.axes for slot in form.inputs):
        assert "Guard failed" in reasons[0], "torch.export keeps a memory's length open: say so in the docs"
        return
    assert not reasons, reasons[0]


class NumberedTexts:
    """Stands for a data set of texts whose vocabulary is numbers.

    Args:
        vocab_size: Number of symbols.
        num_classes: Number of classes.
        mark_sizes: How many values each mark of a symbol has.
    """

    unit = "documents"

    def __init__(self, vocab_size: int, num_classes: int = 0, mark_sizes: tuple[int, ...] = ()) -> None:
        self.vocab_size = vocab_size
        self.class_names = tuple(f"class {number}" for number in range(num_classes))
        self.mark_sizes = mark_sizes
        self.mark_words = "what they count"

    def vocabulary_content(self) -> dict[str, list[str]]:
        """Returns the symbols."""
        return {"symbols": [str(number) for number in range(self.vocab_size)]}
