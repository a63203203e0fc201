"""Processes, here threads, that meet in a store which earlier ones have used."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from torch.distributed import HashStore, Store

from core.errors import LostPeer
from core.meeting import unused_part


def meet(store: Store, order: tuple[int, ...]) -> list[Store]:
    """Lets processes come one after the other; returns the part that each was given, by number."""
    with ThreadPoolExecutor(len(order)) as pool:
        coming = {}
        for rank in order:
            coming[rank] = pool.submit(unused_part, store, rank, len(order), 20.0)
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


@pytest.mark.parametrize(("rank", "missing"), [(0, "1, 2"), (1, "0")])
def test_one_that_does_not_come_is_named(rank: int, missing: str) -> None:
    with pytest.raises(LostPeer, match=f"of the 3 processes of this run, {missing} did not come within 0 s"):
        unused_part(HashStore(), rank, 3, within=0.1)
