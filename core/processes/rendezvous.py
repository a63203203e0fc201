"""How the processes of a run find each other: at rank 0, in a part of its store that no process has used."""

import socket
import time
from uuid import uuid4

from torch.distributed import PrefixStore, Store

from core.errors import LostPeer

PAUSE = 0.05  # seconds between two looks


def wait_for_rank_zero(address: str, port: int, within: float) -> None:
    """Waits until the first process of a run can be reached.

    What torch does then, it does without Python, which could not end it at a signal, nor notice that nobody will come.

    Args:
        address: The machine of the first process.
        port: Where it listens.
        within: Seconds in which it has to.

    Raises:
        LostPeer: It does not.
    """
    end = time.monotonic() + within
    while True:
        try:
            socket.create_connection((address, port), timeout=max(end - time.monotonic(), PAUSE)).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise LostPeer(
                    f"the first process of this run has ended, or does not answer within {within:.0f} s "
                    f"({address}:{port}: {error.strerror or error})"
                ) from None
        time.sleep(PAUSE)


def fresh_store(store: Store, rank: int, world_size: int, within: float) -> Store:
    """Agrees with the other processes on a part of a store.

    torchrun keeps one store from one start of the processes to the next. What gloo and NCCL find there may be the
    addresses of processes that are dead, to which they cannot connect. Each process publishes a random name; rank 0
    replies with its own, which becomes the key prefix, and waits until every process has acknowledged it.

    Args:
        store: What all processes read and write.
        rank: Number of this process.
        world_size: Number of processes.
        within: Seconds in which all have to come.

    Raises:
        LostPeer: One has not come.
    """
    name, end, common = uuid4().hex, time.monotonic() + within, PrefixStore("meeting", store)
    waited_for = set(range(1, world_size)) if rank == 0 else {0}
    if rank:
        common.set(f"name/{rank}", name)
    while waited_for:
        for other in sorted(waited_for):
            if rank == 0 and common.check([f"{name}/{other}"]):
                waited_for.remove(other)
            elif rank == 0 and common.check([f"name/{other}"]):  # of now, or of a process that is dead
                common.set(f"answer/{other}", f"{common.get(f'name/{other}').decode()} {name}")
            elif rank and common.check([f"answer/{rank}"]):
                answered, part = common.get(f"answer/{rank}").decode().split()
                if answered == name:
                    common.set(f"{part}/{rank}", "")
                    return PrefixStore(part, store)
        if time.monotonic() > end:
            numbers = ", ".join(map(str, sorted(waited_for)))
            raise LostPeer(f"of the {world_size} processes of this run, {numbers} did not come within {within:.0f} s")
        time.sleep(PAUSE)
    return PrefixStore(name, store)
