"""Statistics of batch norms are estimated anew, and nothing else is changed."""

from functools import partial

import pytest
import torch
from torch import nn

from lightning_modules.layers.batch_statistics import estimate_statistics


def test_statistics_are_those_of_the_batches() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    network(torch.randn(9, 3) * 50)
    batches = [torch.randn(8, 3) for _ in range(3)]
    estimate_statistics(network, batches, network)
    outputs = [network[0](batch) for batch in batches]
    means = torch.stack([output.mean(0) for output in outputs]).mean(0)
    variances = torch.stack([output.var(0) for output in outputs]).mean(0)
    torch.testing.assert_close(network[1].running_mean, means)
    torch.testing.assert_close(network[1].running_var, variances)
    assert network[1].momentum == 0.1
    assert all(module.training for module in network.modules())


def test_synchronised_norms_wait_for_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first process draws pictures."""
    monkeypatch.setattr(nn.SyncBatchNorm, "forward", None)
    network, batch = nn.SyncBatchNorm(3), torch.randn(8, 3)
    estimate_statistics(network, [batch], network)
    torch.testing.assert_close(network.running_mean, batch.mean(0))
    assert "forward" not in vars(network)


def test_a_forward_pass_of_a_norm_s_own_stays() -> None:
    network = nn.Sequential(nn.BatchNorm1d(3), nn.SyncBatchNorm(3))
    own = [partial(nn.functional.relu), partial(nn.functional.relu)]
    network[0].forward, network[1].forward = own
    estimate_statistics(network, [torch.randn(8, 3)], network)
    assert [norm.forward for norm in network] == own


def test_norms_without_statistics_are_left_alone() -> None:
    network = nn.BatchNorm1d(2, track_running_stats=False)
    calls: list[int] = []
    estimate_statistics(network, [1, 2], calls.append)
    assert not calls
