"""What a layer says of buffers that no step changes."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class HasConstants(Protocol):
    """A layer with buffers that no step changes, so that averages of weights hold them as they are.

    Attributes:
        constant_buffers: Their names.
    """

    constant_buffers: tuple[str, ...]
