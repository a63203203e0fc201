"""What single units share: one weight a pixel, two logits, two classes."""

import pytest
import torch

from core.errors import InputError
from lightning_modules import LogisticRegression, Perceptron
from lightning_modules.tasks.two_class_unit import TwoClassUnit

UNITS = [LogisticRegression, Perceptron]


@pytest.mark.parametrize("kind", UNITS)
def test_it_is_one_unit(kind: type[TwoClassUnit]) -> None:
    assert sum(p.numel() for p in kind().parameters()) == 3_073


@pytest.mark.parametrize("kind", UNITS)
def test_the_larger_logit_is_class_1_where_the_unit_is_above_0(kind: type[TwoClassUnit]) -> None:
    torch.manual_seed(0)
    model = kind(initializer="xavier")
    images = torch.randn(20, 3, 32, 32)
    z = model.linear(images.flatten(1))[:, 0]
    assert 0 < (z > 0).sum() < 20
    assert torch.equal(model(images).argmax(1), (z > 0).long())
    torch.testing.assert_close(model(images).softmax(1)[:, 1], z.sigmoid())


@pytest.mark.parametrize("kind", UNITS)
def test_more_than_two_classes_are_refused(kind: type[TwoClassUnit]) -> None:
    with pytest.raises(InputError, match=f"{kind.__name__} separates 2 classes, and the data has 10: choose two"):
        kind(10)
