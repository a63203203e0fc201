"""The layers of a network in their order, and which of them have maps and filters of the picture."""

import pytest
import torch
from torch import nn

from inspection.filters import VIEW, draw_filters, first_filters, is_last, strongest
from inspection.grad_cam import chosen_layer
from inspection.layers import calls_of, map_layers, outputs_of
from lightning_modules import MLP, LeNet5, ResNet
from tests.tiny import tiny_vgg


def test_the_last_layer_of_each_size_of_maps_is_found_without_poolings() -> None:
    model = tiny_vgg()  # of two stages of convolution, norm, activation and pooling
    calls = calls_of(model.eval(), lambda: model(torch.zeros(1, 3, 16, 16)))
    found = [(one.name, one.returned) for one in map_layers(calls)]
    assert found == [("stages.0.2", (1, 8, 16, 16)), ("stages.1.2", (1, 8, 8, 8))]
    assert chosen_layer(calls).name == "stages.1.2"


def test_the_blocks_of_a_network_stand_for_what_is_in_them() -> None:
    model = ResNet(num_classes=4, depth=20).eval()
    calls = calls_of(model, lambda: model(torch.zeros(1, 3, 32, 32)))
    layers = map_layers(calls)
    assert [one.map_side for one in layers] == sorted({one.map_side for one in layers}, reverse=True)
    assert all(not one.is_leaf or one.map_side == 32 for one in layers)


@pytest.mark.parametrize(
    ("model", "shape", "filters"),
    [
        (tiny_vgg(), (3, 16, 16), (8, 3, 3, 3)),
        (tiny_vgg(whiten=True), (3, 16, 16), (24, 3, 2, 2)),
        (MLP(num_classes=4, in_channels=1, image_size=8, widths=[5]), (1, 8, 8), (5, 1, 8, 8)),
        (LeNet5(num_classes=10), (1, 28, 28), (6, 1, 5, 5)),
        (nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), (3, 2, 2), (2, 3, 2, 2)),
    ],
)
def test_the_first_layer_has_filters(model: nn.Module, shape: tuple[int, ...], filters: tuple[int, ...]) -> None:
    calls = calls_of(model.eval(), lambda: model(torch.zeros(2, *shape)))
    assert first_filters(calls, shape)[1].shape == filters


def test_a_network_that_sees_no_pixels_has_no_filters() -> None:
    model = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3, 2))
    calls = calls_of(model, lambda: model(torch.zeros(1, 3, 2, 2)))
    assert first_filters(calls, (3, 2, 2)) is None
    assert map_layers(calls) == []
    assert chosen_layer(calls) is None


def test_the_strongest_filters_keep_their_order() -> None:
    weights = torch.tensor([1.0, 4.0, 2.0, 3.0]).view(4, 1, 1, 1)
    assert strongest(weights, 2).tolist() == [1, 3]


def test_filters_are_classes_where_no_weights_follow() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2), nn.Softmax(1))
    first, last, _ = calls = calls_of(model, lambda: model(torch.ones(1, 2)))
    assert [is_last(calls, one) for one in (first, last)] == [False, True]
    figure = draw_filters(torch.ones(2, 1, 3, 3), "2 filters", ["cat", "dog"])
    assert [axes.get_title() for axes in figure.axes] == ["cat", "dog"]


def test_weights_above_zero_are_red_and_those_below_are_blue_as_the_view_says() -> None:
    (axes,) = draw_filters(torch.tensor([-1.0, 0.0, 1.0]).view(1, 1, 1, 3), "1 filter", ()).axes
    (image,) = axes.images
    (below, zero, above) = image.to_rgba(image.get_array())[0, :, :3]
    assert below[2] > below[0]
    assert above[0] > above[2]
    assert min(zero) > 0.95
    assert all(words in VIEW.text for words in ("red is above 0", "blue below it", "white is 0"))


def test_an_output_within_a_network_is_part_of_its_graph() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    call = lambda: model(torch.ones(1, 2))  # noqa: E731
    result, (inner,) = outputs_of(calls_of(model, call)[1:2], call)
    (gradient,) = torch.autograd.grad(result.sum(), inner)
    assert torch.equal(gradient, model[2].weight)


def test_of_a_layer_that_is_called_several_times_the_maps_of_the_call_that_was_chosen_are_taken() -> None:
    model = ResNet(num_classes=4, depth=50, width=4).eval()  # a bottleneck calls one activation in two sizes
    calls = calls_of(model, lambda: model(torch.zeros(1, 3, 64, 64)))
    layers = map_layers(calls)
    assert any(one.name == layer.name and one.map_side < layer.map_side for one in calls for layer in layers)
    result, maps = outputs_of(layers, lambda: model(torch.zeros(2, 3, 64, 64)))
    assert len(result) == 2
    assert [tuple(one.shape) for one in maps] == [(2, *layer.returned[1:]) for layer in layers]
