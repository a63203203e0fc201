"""Formats in which other programs read a network, and how each is read back to be compared with it."""

import io
import json
import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning.core.module import _jit_is_scripting
from torch import Tensor, nn
from torch.export import Dim

from core.code.installed import installs
from core.errors import InputError
from core.protocols.export_forms import ExportForm
from core.randomness import generator

Run = Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]  # of what was written: outputs of inputs
EXAMPLES = 2  # samples that exporters follow through a network; one would make sizes of 1 a rule
MOST = 2**31  # bytes of an ONNX file
SPEAKING = ("torch.onnx", "torch.export", "torch.__trace", "onnxscript", "onnx_ir")  # loggers of exporters


class Format(ABC):
    """A format of files.

    Attributes:
        name: Its name.
        runtime: What reads it, for messages.
    """

    name: str
    runtime: str

    def check(self) -> None:  # noqa: B027 (most need nothing)
        """Checks that what it needs is installed.

        Raises:
            InputError: It is not.
        """

    @abstractmethod
    def make(self, form: ExportForm, facts: Mapping[str, Any]) -> bytes:
        """Returns the content of a file.

        Args:
            form: The network.
            facts: What the file says beside it.
        """

    @abstractmethod
    def read(self, content: bytes) -> Run:
        """Returns what is computed by the content of a file."""


class Flat(nn.Module):
    """A network whose inputs are one sequence, however its `forward` names them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs."""
        return self.network(*inputs)


class Onnx(Format):
    """ONNX, for onnxruntime and many others."""

    name, runtime = "onnx", "onnxruntime"

    def check(self) -> None:
        """Checks that the three packages are installed."""
        try:
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
            import onnxscript  # noqa: F401
        except ImportError as error:
            raise InputError(
                f"export to ONNX needs {error.name}; {installs('export')}, and a name such as network.pt2 in "
                "--output needs nothing"
            ) from error

    def make(self, form: ExportForm, facts: Mapping[str, Any]) -> bytes:
        """Returns the content of a file, with all weights within."""
        size = sum(tensor.nbytes for tensor in form.network.state_dict().values())
        if size > MOST:
            raise InputError(
                f"export: the weights take {size / 2**30:.1f} GiB, and an ONNX file holds 2; name another form, such "
                "as --output network.pt2"
            )
        with quiet():
            program = torch.onnx.export(
                Flat(form.network),
                example_inputs(form),
                input_names=[slot.name for slot in form.inputs],
                output_names=[slot.name for slot in form.outputs],
                dynamic_shapes=dynamic_axes(form),
                dynamo=True,
                verbose=False,
            )
        for name, fact in facts.items():
            program.model.metadata_props[name] = fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)
        return program.model_proto.SerializeToString()

    def read(self, content: bytes) -> Run:
        """Returns what onnxruntime computes."""
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]

        def run(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            given = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
            return tuple(torch.from_numpy(output) for output in session.run(None, given))

        return run


class ExportedProgram(Format):
    """torch's own format of graphs (`torch.export`), for torch on any device and its compilers."""

    name, runtime = "exported_program", "torch.export"

    def make(self, form: ExportForm, facts: Mapping[str, Any]) -> bytes:
        """Returns the content of a file, with the facts in `facts.json`."""
        with quiet(), io.BytesIO() as file:
            shapes = tuple(dict.fromkeys(axes, Dim.DYNAMIC) for axes in dynamic_axes(form)["inputs"])
            program = torch.export.export(Flat(form.network), example_inputs(form), dynamic_shapes={"inputs": shapes})
            torch.export.save(program, file, extra_files={"facts.json": json.dumps(dict(facts), ensure_ascii=False)})
            return file.getvalue()

    def read(self, content: bytes) -> Run:
        """Returns what torch computes."""
        with quiet():
            module = torch.export.load(io.BytesIO(content)).module()
        return lambda inputs: module(*inputs)


class TorchScript(Format):
    """The format that torch wrote before `torch.export`, which libtorch and mobile phones read."""

    name, runtime = "torchscript", "TorchScript"

    def make(self, form: ExportForm, facts: Mapping[str, Any]) -> bytes:
        """Returns the content of a file, with the facts in `facts.json`."""
        with quiet(), _jit_is_scripting(), io.BytesIO() as file:  # in which a module need not have a trainer
            traced = torch.jit.trace(Flat(form.network), example_inputs(form), check_trace=False)
            extra = {"facts.json": json.dumps(dict(facts), ensure_ascii=False)}
            torch.jit.save(traced, file, _extra_files=extra)
            return file.getvalue()

    def read(self, content: bytes) -> Run:
        """Returns what TorchScript computes."""
        with quiet():
            module = torch.jit.load(io.BytesIO(content))
        return lambda inputs: module(*inputs)


FORMATS: dict[str, Format] = {one.name: one for one in (Onnx(), ExportedProgram(), TorchScript())}


def example_inputs(form: ExportForm) -> tuple[Tensor, ...]:
    """Returns the inputs that an exporter follows through a network."""
    with torch.no_grad():
        return form.examples(EXAMPLES, generator(0, "exported"))


def dynamic_axes(form: ExportForm) -> dict[str, tuple[dict[int, str], ...]]:
    """Returns which dimensions of the inputs may have any size, with their names, as `torch.onnx.export` takes it."""
    return {"inputs": tuple(slot.dynamic for slot in form.inputs)}


@contextmanager
def quiet() -> Iterator[None]:
    """Leaves out what exporters say about themselves: deprecations, and what they have tried."""
    loggers = [logging.getLogger(name) for name in SPEAKING]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
