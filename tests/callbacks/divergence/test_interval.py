"""Checks are so frequent that the batches between them take little of a GPU's memory."""

from types import SimpleNamespace

import pytest
import torch

from callbacks.divergence.interval import interval_for
from datamodules.batches import ImageBatch


@pytest.mark.parametrize(
    ("device", "memory", "expected"),
    [("cpu", 1, 1), ("mps", 1, 16), ("cuda", 10**9, 16), ("cuda", 500_000, 10), ("cuda", 500, 2)],
)
def test_large_batches_are_checked_more_often(
    device: str, memory: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=memory))
    numbers = torch.zeros(2, dtype=torch.int32)
    batch = ImageBatch(torch.zeros(2, 1, 11, 11), numbers, numbers, {})  # 984 bytes
    assert interval_for(batch, torch.device(device), 1) == expected


def test_processes_agree_on_the_most_frequent_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    def gather(found: list, own: int) -> None:
        found[:] = [own, 5, 7]

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=10**9))
    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    assert interval_for(torch.zeros(3), torch.device("cuda"), 3) == 5


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_batches_are_sized_by_what_they_hold(layout: torch.layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=20_000))
    assert interval_for([torch.eye(1000).to_sparse(layout=layout)], torch.device("cuda"), 1) == 2
    assert interval_for([torch.eye(1).to_sparse(layout=layout)], torch.device("cuda"), 1) == 16
