"""The multilayer perceptron: published sizes, norms, dropout, and what it refuses."""

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import MLP


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        (322_960, {"widths": [100, 100, 50]}),
        (235_146, {"widths": [256, 128], "in_channels": 1, "image_size": 28}),
        (30_730, {"widths": []}),
    ],
)
def test_it_has_its_published_size(expected: int, settings: dict[str, object]) -> None:
    assert sum(p.numel() for p in MLP(10, **settings).parameters()) == expected


def test_a_norm_has_a_scale_and_a_bias_in_place_of_the_layers_bias() -> None:
    def count(batch_norm: bool) -> int:
        return sum(p.numel() for p in MLP(10, widths=[7, 5], batch_norm=batch_norm).parameters())

    assert count(True) == count(False) + 7 + 5


def test_dropout_comes_after_each_hidden_layer_and_on_the_pixels() -> None:
    model = MLP(10, widths=[7, 5], dropout=0.3, input_dropout=0.1)
    assert [layer.p for layer in model.layers if isinstance(layer, nn.Dropout)] == [0.1, 0.3, 0.3]
    images = torch.ones(2, 3, 32, 32)
    torch.manual_seed(0)
    assert not torch.equal(model(images), model(images))
    torch.testing.assert_close(model.eval()(images), model(images))


def test_a_hidden_layer_as_wide_as_the_output_is_not_part_of_the_head() -> None:
    model = MLP(10, widths=[10, 7])
    groups = {group["name"]: group["params"] for group in model.parameter_groups()}
    assert [p.shape for p in groups["head"]] == [(10, 7)]
    assert [p.shape for p in groups["weights"]] == [(10, 3072), (7, 10)]


def test_the_activation_is_the_one_asked_for() -> None:
    assert any(isinstance(layer, nn.Sigmoid) for layer in MLP(10, activation="sigmoid").layers)


def test_a_width_below_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"MLP: widths \[4, 0\]: each is at least 1"):
        MLP(10, widths=[4, 0])
