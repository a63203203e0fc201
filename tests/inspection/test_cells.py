"""Which cell follows what: chosen on one half of the text, measured on the other."""

import pytest
import torch

from inspection.cells import WARM_UP, correlations, find_followers
from lightning_modules import CharRNN


def test_the_cell_that_follows_a_fact_is_found_in_its_layer() -> None:
    rng = torch.Generator().manual_seed(0)
    fact = torch.randint(0, 2, (8, WARM_UP + 200), generator=rng).float()
    layers = [torch.randn(8, WARM_UP + 200, 5, generator=rng) for _ in range(2)]
    layers[1][:, :, 3] = 0.3 * layers[1][:, :, 3] - fact
    (found,) = find_followers(layers, {"fact": fact, "chance": torch.rand(fact.shape, generator=rng)})
    assert (found.fact, found.layer, found.cell) == ("fact", 1, 3)
    assert found.correlation == pytest.approx(-0.86, abs=0.03)


def test_correlations() -> None:
    values = torch.tensor([0.0, 1.0, 2.0])
    cells = torch.stack([values, -values, torch.ones(3), values.square()], 1)
    expected = torch.corrcoef(torch.stack([values, values.square()]))[0, 1]
    assert correlations(cells, values).tolist() == pytest.approx([1, -1, 0, float(expected)])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "scratch", "peephole"])
def test_the_state_of_every_recurrent_network_ends_with_its_cells(cell: str) -> None:
    """`ContinuesSymbols` says so."""
    model = CharRNN(vocab_size=7, cell=cell, hidden=4, layers=2)
    _, state = model.continue_from(None, model.embed(torch.zeros(3, 1, dtype=torch.int64)))
    assert [layer[-1].shape for layer in state] == [(3, 4)] * 2
