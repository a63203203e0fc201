"""The graph of a network: which operation takes what from which, grouped by the modules that they are in.

Operations are noted while the network computes its losses, so that every network has one, whatever its code does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from core.media import Operation
from core.nested_tensors import is_named, tensors_of
from core.protocols.general import NamesLosses

LOSSES = "losses"  # scope of what no module computes


def graph_of(model: nn.Module, batch: Any) -> list[Operation]:
    """Returns the operations by which a network computes its losses of a batch.

    Args:
        model: A network that names its losses.
        batch: The batch, as `losses` takes it.
    """
    notes = _Notes(model, batch)
    with ExitStack() as stack:
        for name, module in model.named_modules():
            scope = "/".join([type(model).__name__, *name.split(".")]) if name else type(model).__name__
            stack.callback(module.register_forward_pre_hook(notes.enter(scope)).remove)
            stack.callback(module.register_forward_hook(notes.leave, with_kwargs=True).remove)
        stack.enter_context(notes)
        if isinstance(model, NamesLosses):
            model.losses(batch)
    return notes.operations


class _Notes(TorchFunctionMode):
    """Notes every call of torch, and which tensors it takes and gives."""

    def __init__(self, model: nn.Module, batch: Any) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self._scopes: list[str] = []
        root = type(model).__name__
        # a name is an operation's or a module's
        self._used = {"/".join([root, *name.split(".")]): 1 for name, _ in model.named_modules() if name}
        self._makers = WeakTensorKeyDictionary()  # name of the operation that gave a tensor; keeps no tensor alive
        held = [*model.named_parameters(), *model.named_buffers()]
        self._held = WeakTensorKeyDictionary({tensor: f"{root}/{name.replace('.', '/')}" for name, tensor in held})
        for name, part in _named_parts(batch):
            for tensor in tensors_of(part):
                self._give([tensor], self._add(f"batch/{name}" if name else "batch", "input", (), tensor.shape))

    def enter(self, scope: str) -> Callable[..., None]:
        """Returns the hook that begins a module."""

        def hook(module: nn.Module, inputs: Any) -> None:
            self._scopes.append(scope)

        return hook

    def leave(self, module: nn.Module, inputs: Any, named: Any, output: Any) -> None:
        """Ends a module; what it has computed unseen, such as by a function of its own, becomes one operation."""
        unseen = [tensor for tensor in tensors_of(output) if tensor not in self._makers]
        if unseen:
            self._note(type(module).__name__, [inputs, named, *module.parameters(recurse=False)], unseen)
        self._scopes.pop()

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Calls a function of torch, and notes it."""
        output = func(*args, **(kwargs or {}))
        name = func.__name__.strip("_")
        tensors = [output] if isinstance(output, Tensor) else tensors_of(output) if _holds(output) else []
        if name == "get":  # an attribute, such as the transpose: the same tensor, seen in another way
            maker = self._makers.get(args[0])
            if maker is not None:
                self._give(tensors, maker)
        elif name == "setitem":
            self._note(name, [args], [args[0]])
        elif tensors:
            self._note(name, [args, kwargs or {}], tensors)
        return output

    def _note(self, kind: str, taken: Iterable[Any], given: list[Tensor]) -> None:
        inputs = dict.fromkeys(name for part in taken for tensor in _tensors(part) if (name := self._maker(tensor)))
        scope = self._scopes[-1] if self._scopes else LOSSES
        name = self._add(f"{scope}/{kind}", kind, tuple(inputs), given[0].shape)
        self._give(given, name)

    def _maker(self, tensor: Tensor) -> str | None:
        """Returns the operation that gave a tensor; a parameter becomes one when it is used first."""
        if tensor not in self._makers and tensor in self._held:
            self._give([tensor], self._add(self._held[tensor], "parameter", (), tensor.shape))
        return self._makers.get(tensor)

    def _add(self, name: str, kind: str, inputs: tuple[str, ...], shape: Iterable[int]) -> str:
        number = self._used.get(name, 0)
        self._used[name] = number + 1
        unique = f"{name}_{number}" if number else name
        self.operations.append(Operation(unique, kind, inputs, tuple(shape)))
        return unique

    def _give(self, tensors: list[Tensor], maker: str) -> None:
        for tensor in tensors:
            self._makers[tensor] = maker


def _named_parts(batch: Any) -> Iterator[tuple[str, Any]]:
    """Yields the parts of a batch with their names."""
    if is_named(batch):
        yield from batch._asdict().items()
    elif isinstance(batch, Mapping):
        yield from ((str(name), part) for name, part in batch.items())
    elif isinstance(batch, tuple | list):
        yield from ((str(place), part) for place, part in enumerate(batch))
    else:
        yield "", batch


def _holds(value: Any) -> bool:
    return isinstance(value, tuple | list | dict)


def _tensors(value: Any) -> list[Tensor]:
    """Returns the tensors in the arguments of a call."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
