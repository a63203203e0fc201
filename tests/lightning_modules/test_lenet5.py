"""LeNet-5 as published, layer by layer, and as textbooks have it."""

import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules import LeNet5, ModernLeNet5
from lightning_modules.lenet5 import TABLE, Subsampling, TableConvolution, _squash


def count(module: nn.Module) -> int:
    """Returns the number of trained values."""
    return sum(parameter.numel() for parameter in module.parameters())


def test_each_layer_has_the_papers_number_of_trained_values() -> None:
    with torch.device("meta"):
        model = LeNet5(10)
    sizes = [count(layer) for layer in (model.c1, model.s2, model.c3, model.s4, model.c5, model.f6)]
    assert sizes == [156, 12, 1_516, 32, 48_120, 10_164]
    assert count(model) == 60_000


def test_every_map_of_c3_sees_the_maps_of_s2_that_the_table_says() -> None:
    # table I, read row by row: a row is a map of S2, a column one of C3
    rows = ["X...XXX..XXXX.XX", "XX...XXX..XXXX.X", "XXX...XXX..X.XXX", ".XXX..XXXX..X.XX", "..XXX..XXXX.XX.X"]
    rows.append("...XXX..XXXX.XXX")
    layer = TableConvolution()
    for number in range(16):
        maps = torch.randn(2, 6, 14, 14, requires_grad=True)
        layer(maps)[:, number].sum().backward()
        seen = maps.grad.abs().sum((0, 2, 3)) > 0
        assert seen.tolist() == [row[number] == "X" for row in rows]


def test_c3_is_sixteen_small_convolutions_side_by_side() -> None:
    layer, maps = TableConvolution(), torch.randn(2, 6, 14, 14)
    result, first = layer(maps), 0
    for number, inputs in enumerate(TABLE):
        weight = layer.weight[first : first + len(inputs)][None]
        first += len(inputs)
        expected = nn.functional.conv2d(maps[:, list(inputs)], weight, layer.bias[number : number + 1])
        torch.testing.assert_close(result[:, number : number + 1], expected)


def test_subsampling_sums_four_values_times_a_coefficient_plus_a_bias() -> None:
    layer = Subsampling(2)
    layer.coefficient.data[:] = torch.tensor([2.0, -1.0])[:, None, None]
    layer.bias.data[:] = torch.tensor([0.5, 0.0])
    x = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, 2, 4, 4)
    sums = torch.tensor([[10.0, 18.0], [42.0, 50.0]])
    torch.testing.assert_close(layer(x), torch.stack([2 * sums + 0.5, -sums])[None])


def test_the_squashing_function_is_one_at_one_and_ends_at_its_amplitude() -> None:
    values = _squash(torch.tensor([-1.0, 0.0, 1.0, 100.0]))
    torch.testing.assert_close(values, torch.tensor([-1.0, 0.0, 1.0, 1.7159]), rtol=1e-4, atol=0)


def test_every_layer_but_the_last_is_squashed() -> None:
    model = LeNet5(10)
    for layer in (model.c1, model.s2, model.c3, model.s4, model.c5, model.f6):
        for parameter in layer.parameters():
            nn.init.constant_(parameter, 100.0)
    # all of F6 is at 1.7159, wherever the sums before it end
    expected = -(1.7159 - model.codes).square().sum(1)
    torch.testing.assert_close(model(torch.ones(1, 1, 28, 28))[0], expected)
    sizes = {}
    for name in ("s2", "c3", "s4", "c5", "f6"):
        hook = lambda _, inputs, name=name: sizes.update({name: inputs[0].abs().max().item()})  # noqa: E731
        model.get_submodule(name).register_forward_pre_hook(hook)
    model(torch.ones(1, 1, 28, 28))
    assert list(sizes.values()) == pytest.approx([1.7159] * 5)


def test_all_trained_values_start_within_the_papers_bounds() -> None:
    torch.manual_seed(0)
    model = LeNet5(10, in_channels=3)
    fan_ins = {"c1": 75, "s2": 4, "s4": 4, "c5": 400, "f6": 120}
    for name, fan_in in fan_ins.items():
        values = torch.cat([parameter.flatten() for parameter in model.get_submodule(name).parameters()]) * fan_in / 2.4
        assert 0.7 < values.abs().max() <= 1, name
        assert values.min() < 0 < values.max(), name
    first = 0
    for number, inputs in enumerate(TABLE):
        values = model.c3.weight[first : first + len(inputs)] * 25 * len(inputs) / 2.4
        first += len(inputs)
        assert 0.9 < values.abs().max() <= 1
        assert model.c3.bias[number].abs() * 25 * len(inputs) <= 2.4


def test_a_logit_is_the_negative_squared_distance_to_the_code() -> None:
    model = LeNet5(3)
    model.f6.weight.data.zero_()
    model.f6.bias.data = model.codes[1] * 1.0  # squashed, this is the code itself
    expected = -(model.codes[1] - model.codes).square().sum(1)
    torch.testing.assert_close(model(torch.randn(1, 1, 28, 28))[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_classes", [2, 7, 10, 26])
def test_codes_are_signs_fixed_apart_and_always_the_same(num_classes: int) -> None:
    torch.manual_seed(0)
    model = LeNet5(num_classes)
    torch.manual_seed(1)
    assert torch.equal(model.codes, LeNet5(num_classes).codes)
    assert model.codes.shape == (num_classes, 84)
    assert set(model.codes.unique().tolist()) == {-1.0, 1.0}
    differences = torch.cdist(model.codes, model.codes, p=0) + 84 * torch.eye(num_classes)
    assert differences.min() >= 12  # pixels
    assert "codes" in model.state_dict()
    assert not model.codes.requires_grad


def test_ten_codes_are_pictures_of_the_digits() -> None:
    zero, one, *_, seven, _, _ = LeNet5(10).codes.reshape(10, 12, 7)
    assert torch.equal(zero, zero.flip(1))
    assert torch.equal(zero, zero.flip(0))
    assert (zero[1:-1, 0] == 1).sum() == 8
    assert (zero[4:8, 2:5] == -1).all()
    assert (one[:, 3:5] == 1).all()
    assert (seven[0] == 1).all(), "upside down"
    assert seven[-1].sum() == 2 - 5


def test_small_images_are_framed_by_their_own_edge() -> None:
    torch.manual_seed(0)
    small, large = LeNet5(10, image_size=28), LeNet5(10, image_size=32)
    large.load_state_dict(small.state_dict())
    images = torch.randn(2, 1, 28, 28)
    images[..., 0, :] = images[..., -1, :] = images[..., 0] = images[..., -1] = -0.4242  # the background
    framed = torch.full((2, 1, 32, 32), -0.4242)
    framed[..., 2:30, 2:30] = images
    torch.testing.assert_close(small(images), large(framed))


def by_hand(distances: list[list[float]], targets: list[int], kind: str, rubbish: float) -> float:
    """Returns the paper's equation 8 or 9."""
    total = 0.0
    for row, target in zip(distances, targets, strict=True):
        total += row[target]
        if kind == "map":
            total += math.log(math.exp(-rubbish) + sum(math.exp(-distance) for distance in row))
    return total / len(targets)


@pytest.mark.parametrize("kind", ["map", "mse"])
@pytest.mark.parametrize("rubbish", [0.1, 2.0])
def test_losses_are_the_papers(kind: Literal["map", "mse"], rubbish: float) -> None:
    model = LeNet5(3, loss=kind, rubbish=rubbish)
    distances, targets = [[1.0, 3.0, 2.5], [4.0, 0.5, 6.0]], [0, 2]
    loss = model.loss(-torch.tensor(distances), torch.tensor(targets))
    assert loss.item() == pytest.approx(by_hand(distances, targets, kind, rubbish), rel=1e-6)


@pytest.mark.parametrize("kind", ["map", "mse"])
def test_smoothed_targets_are_the_mean_over_all_classes(kind: Literal["map", "mse"]) -> None:
    model = LeNet5(3, loss=kind)
    logits = -torch.tensor([[1.0, 3.0, 2.5], [4.0, 0.5, 6.0]])
    each = torch.stack([model.loss(logits, torch.tensor([target] * 2)) for target in range(3)])
    smoothed = model.loss(logits, torch.tensor([1, 1]), 0.3)
    torch.testing.assert_close(smoothed, 0.7 * each[1] + 0.3 * each.mean())


@pytest.mark.parametrize("kind", ["map", "mse"])
def test_it_learns_a_few_images_by_heart(kind: Literal["map", "mse"]) -> None:
    torch.manual_seed(0)
    model = LeNet5(10, loss=kind)
    images, targets = torch.randn(20, 1, 28, 28), torch.arange(20) % 10
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        model.loss(model(images), targets).backward()
        optimizer.step()
    assert (model(images).argmax(1) == targets).float().mean() > 0.9


def test_weights_and_coefficients_are_decayed_and_biases_need_not_be() -> None:
    groups = {group["name"]: group["params"] for group in LeNet5(10).parameter_groups()}
    assert [len(groups[name]) for name in ("weights", "biases")] == [6, 6]
    assert sum(parameter.numel() for parameter in groups["biases"]) == 6 + 6 + 16 + 16 + 120 + 84


@pytest.mark.parametrize("size", [27, 64, 12])
def test_lenet5_takes_no_other_size(size: int) -> None:
    with pytest.raises(InputError, match=f"28 or 32 pixels, not {size}; ModernLeNet5"):
        LeNet5(10, image_size=size)


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        (61_706, {}),
        (61_706, {"image_size": 32}),
        (62_006, {"in_channels": 3, "image_size": 32}),
        (61_706 + 6 + 16 + 120 + 84, {"batch_norm": True}),
        (832 + 51_264 + 25 * 64 * 100 + 100 + 5_050 + 510, {"widths": [32, 64, 100, 50]}),
    ],
)
def test_the_textbooks_form_has_its_size(expected: int, settings: dict[str, object]) -> None:
    with torch.device("meta"):
        assert count(ModernLeNet5(10, **settings)) == expected


def kinds(module: nn.Module) -> list[str]:
    """Returns the names of a network's layers in order."""
    return [type(layer).__name__ for layer in module]


def test_settings_reach_their_layers() -> None:
    plain = ModernLeNet5(10)
    assert kinds(plain.features) == ["Conv2d", "ReLU", "MaxPool2d"] * 2
    assert kinds(plain.classifier) == ["Flatten", *["Dropout", "Linear", "ReLU"] * 2, "Dropout", "Linear"]
    model = ModernLeNet5(10, batch_norm=True, activation="sigmoid", pool="average", dropout=0.3)
    assert kinds(model.features) == ["Conv2d", "BatchNorm2d", "Sigmoid", "AvgPool2d"] * 2
    dense = ["Dropout", "Linear", "BatchNorm1d", "Sigmoid"]
    assert kinds(model.classifier) == ["Flatten", *dense * 2, "Dropout", "Linear"]
    assert [layer.p for layer in model.classifier if isinstance(layer, nn.Dropout)] == [0.3] * 3


def test_an_image_of_28_pixels_gets_a_frame_of_its_own_edge_and_one_of_32_none() -> None:
    small, large = ModernLeNet5(10, image_size=28), ModernLeNet5(10, image_size=32)
    large.load_state_dict(small.state_dict())
    images: Tensor = torch.randn(2, 1, 28, 28)
    torch.testing.assert_close(small(images), large(nn.functional.pad(images, [2] * 4, mode="replicate")))


@pytest.mark.parametrize("size", [12, 13, 31, 33])
def test_any_size_from_12_pixels_works(size: int) -> None:
    model = ModernLeNet5(10, 3, size, widths=[2, 3, 4, 5])
    assert model(torch.randn(2, 3, size, size)).shape == (2, 10)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"image_size": 11}, "need images of 12 pixels, not 11"),
        ({"widths": [6, 16, 120]}, "two convolutions and two dense layers"),
        ({"widths": [6, 16, 0, 84]}, "each at least 1"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ModernLeNet5(10, **settings)
