"""Histograms of weights, gradients and activations hold what autograd and the layers give."""

import torch
from torch import Tensor, nn

from callbacks.media import layers
from callbacks.media.layers import draw_layers, histogram, histograms_of


class Two(nn.Module):
    """Two layers, of which the first runs twice, and a fixed weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gone, self.second = nn.Linear(3, 3), nn.Dropout(), nn.LSTM(3, 2)
        self.fixed = nn.Parameter(torch.ones(3), requires_grad=False)

    def losses(self, batch: Tensor) -> dict[str, Tensor]:
        """Returns two losses."""
        hidden = self.gone(self.first(self.first(batch) * self.fixed))
        outputs, _ = self.second(hidden)
        return {"one": outputs.sum(), "other": 2 * hidden.square().mean()}


def test_all_tensors_are_counted_as_they_are() -> None:
    torch.manual_seed(0)
    model, batch = Two().eval(), torch.randn(5, 3)
    found = histograms_of(model, batch)
    names = [name for name, _ in model.named_parameters()]
    trained = [name for name in names if name != "fixed"]
    layer_names = ["activations/first", "activations/second"]
    assert list(found) == [f"weights/{n}" for n in names] + [f"gradients/{n}" for n in trained] + layer_names
    assert all(parameter.grad is None for parameter in model.parameters()), "gradients of training are not touched"
    sum(model.losses(batch).values()).backward()
    for name in trained:
        gradient = model.get_parameter(name).grad
        assert found[f"gradients/{name}"].mean == float(gradient.flatten().mean())
        assert found[f"gradients/{name}"].largest == float(gradient.max())
    once = model.first(batch).detach()
    assert found["activations/first"].deviation == float(once.flatten().std(correction=0)), "what it gives first"
    assert float(found["weights/first.weight"].counts.sum()) == 9


def test_without_a_batch_there_are_weights_alone() -> None:
    assert all(name.startswith("weights/") for name in histograms_of(Two(), None))


def test_a_histogram_counts_every_value_once() -> None:
    values = torch.tensor([0.0, 0.0, 1.0, 4.0, float("nan")])
    one = histogram(values)
    assert (one.least, one.largest, one.mean, one.zeros) == (0.0, 4.0, 1.25, 0.5)
    assert one.counts[[0, 16, -1]].tolist() == [2, 1, 1]
    assert (float(one.counts.sum()), one.edges[0], one.edges[-1]) == (4, 0, 4)
    assert histogram(torch.tensor([float("inf")])) is None
    assert histogram(torch.empty(0)) is None


def test_equal_values_have_a_histogram_too() -> None:
    one = histogram(torch.full((3,), 2.0))
    assert (float(one.counts.sum()), one.deviation, one.edges[0], one.edges[-1]) == (3, 0, 1.5, 2.5)


def test_a_large_tensor_is_counted_in_part(monkeypatch) -> None:
    monkeypatch.setattr(layers, "MOST", 100)
    columns = torch.arange(20.0).repeat(50)  # an even step would meet every other column alone
    one = histogram(columns)
    assert float(one.counts.sum()) == 1000 // 11 + 1
    assert (one.least, one.largest) == (0, 19)


def test_a_figure_shows_layers_in_their_order_and_no_zero_on_a_logarithmic_axis() -> None:
    model, batch = Two().eval(), torch.randn(5, 3)
    figure = draw_layers(histograms_of(model, batch))
    activations, gradients = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["activations", "gradients"]
    assert [label.get_text() for label in activations.get_xticklabels()] == ["first", "second"]
    names = [label.get_text() for label in gradients.get_xticklabels()]
    assert names == ["first.weight", "second.weight_ih_l0", "second.weight_hh_l0"]
    assert gradients.get_yscale() == "log"
    (alone,) = draw_layers(histograms_of(model, None)).axes
    assert alone.get_title() == "weights"
    zeros = {"gradients/a.weight": histogram(torch.zeros(3)), "gradients/b.weight": histogram(torch.tensor([1.0, 3.0]))}
    (axes,) = draw_layers(zeros).axes
    first, second = axes.lines[0].get_ydata()
    assert (first != first, second) == (True, 1.0)
    (axes,) = draw_layers({"gradients/a.weight": histogram(torch.zeros(3))}).axes
    assert axes.get_yscale() == "linear"
