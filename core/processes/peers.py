"""The other processes of a run: what each has; one that is lost is noticed within a minute, and said in one line."""

import os
import re
import socket
import sys
from contextlib import suppress
from typing import TypeVar

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

SILENCE = 60  # seconds without an answer from another machine, after which it counts as lost

# What gloo says where a process has ended, its machine does not answer, or the link is gone.
LOST = re.compile(
    r"connection (?:closed|reset) by peer|broken pipe|connection timed out|no route to host|network is unreachable"
    r"|connection refused|timed out connecting|timed out waiting \d+ms|connection was likely closed",
    re.IGNORECASE,
)
Held = TypeVar("Held")
ADDRESS = re.compile(r"\[([\da-f.:]+)\]:\d+", re.IGNORECASE)


def gathered(mine: Held, world_size: int) -> list[Held]:
    """Returns what each process of a run has, by rank.

    Args:
        mine: What this one has.
        world_size: Number of processes, each of which calls this.
    """
    if world_size == 1:
        return [mine]
    parts = [mine] * world_size
    torch.distributed.all_gather_object(parts, mine)
    return parts


def renew_buffers(model: nn.Module) -> None:
    """Has the next pass through a model begin with the buffers of the first process, which checkpoints hold.

    Otherwise it begins with those of each process after a batch whose gradients wait for those of the next.

    Args:
        model: The model as the strategy has it; one that is not of several processes is left as it is.
    """
    if isinstance(model, DistributedDataParallel):
        model.require_forward_param_sync = True


def take_buffers_of_first(model: nn.Module) -> None:
    """Gives a model the buffers of the first process at once, for a pass that does not go through its wrapper.

    Args:
        model: The model as the strategy has it; one that is not of several processes is left as it is.
    """
    renew_buffers(model)
    if isinstance(model, DistributedDataParallel) and model.will_sync_module_buffers():
        model._sync_buffers()
        model.require_forward_param_sync = False  # the next pass finds them


def watch_connections() -> None:
    """Has the system close connections to machines that are silent, on which gloo would wait for half an hour.

    A machine whose processes are slow is not silent: its system answers for them. Call it once the processes of the run
    are connected. Systems other than Linux are left as they are.
    """
    if sys.platform != "linux":
        return
    pause = SILENCE // 4
    limits = {
        socket.TCP_KEEPIDLE: pause,  # seconds of silence before the first question
        socket.TCP_KEEPINTVL: pause,  # between questions
        socket.TCP_KEEPCNT: 3,  # questions without an answer
        socket.TCP_USER_TIMEOUT: 1000 * SILENCE,  # milliseconds that data may be under way
    }
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # no connection, or closed meanwhile
            connection = socket.socket(fileno=int(name))
            try:
                if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.type == socket.SOCK_STREAM:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                    for option, value in limits.items():
                        connection.setsockopt(socket.IPPROTO_TCP, option, value)
            finally:
                connection.detach()  # it stays its owner's


def lost_peer(error: BaseException) -> str | None:
    """Returns in the system's words how another process of this run was lost; None for any other error.

    Args:
        error: What a step has raised.
    """
    text = str(error)
    connects = torch.distributed.is_available() and (torch.distributed.is_initialized() or "gloo" in text.lower())
    found, address = LOST.search(text), ADDRESS.search(text)
    if not (isinstance(error, RuntimeError) and connects) or found is None:
        return None
    return found[0].lower() + (f", {address[1]}" if address else "")
