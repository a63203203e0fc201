"""Processes, here threads, that meet in a store which earlier ones have used."""

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from torch.distributed import HashStore, Store

from core.errors import LostPeer
from core.processes.rendezvous import fresh_store, wait_for_rank_zero
from core.processes.signals import ended_by_signals


def meet(store: Store, order: tuple[int, ...]) -> list[Store]:
    """Lets processes come one after the other; returns the part that each was given, by number."""
    with ThreadPoolExecutor(len(order)) as pool:
        coming = {}
        for rank in order:
            coming[rank] = pool.submit(fresh_store, store, rank, len(order), 20.0)
            time.sleep(0.02)
        return [coming[rank].result() for rank in range(len(order))]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_what_earlier_processes_left_is_not_found(order: tuple[int, ...]) -> None:
    store = HashStore()
    for attempt in range(2):
        first, *others = meet(store, order)
        assert not first.check(["address"])
        first.set("address", str(attempt))
        assert [other.get("address") for other in others] == [str(attempt).encode()] * 2


def test_the_first_process_is_waited_for() -> None:
    """It is not ready to be reached at once."""
    with socket.socket() as listening, ThreadPoolExecutor(1) as pool:
        listening.bind(("127.0.0.1", 0))
        waiting = pool.submit(wait_for_rank_zero, *listening.getsockname(), 20.0)
        time.sleep(0.3)
        assert not waiting.done()
        listening.listen()
        waiting.result()


def test_a_first_process_that_has_ended_is_not_waited_for_for_ever() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address, port = closed.getsockname()
        with pytest.raises(
            LostPeer, match=rf"has ended, or does not answer within 0 s \({address}:{port}: .*refused\)"
        ):
            wait_for_rank_zero(address, port, within=0.2)


def test_a_signal_ends_the_wait() -> None:
    """Torch waits without Python, and no signal but SIGKILL ended the process."""
    with socket.socket() as closed, ended_by_signals():
        closed.bind(("127.0.0.1", 0))
        threading.Timer(0.2, signal.raise_signal, [signal.SIGTERM]).start()
        with pytest.raises(KeyboardInterrupt):
            wait_for_rank_zero(*closed.getsockname(), within=60.0)


@pytest.mark.parametrize(("rank", "missing"), [(0, "1, 2"), (1, "0")])
def test_one_that_does_not_come_is_named(rank: int, missing: str) -> None:
    with pytest.raises(LostPeer, match=f"of the 3 processes of this run, {missing} did not come within 0 s"):
        fresh_store(HashStore(), rank, 3, within=0.1)
