"""The course's residual network: its size, its shortcuts, its padding, its start."""

import pytest
import torch
import torch.nn.functional as F

from core.errors import InputError
from lightning_modules import CourseResNet
from lightning_modules.course_resnet import Block
from tests.networks import number_of_parameters


def test_it_has_the_courses_size() -> None:
    assert number_of_parameters(CourseResNet, num_classes=10) == 758_922


def test_the_maps_halve_at_the_second_and_third_stage() -> None:
    model = CourseResNet(10, blocks=[2, 3, 2], widths=[2, 4, 8])
    x, shapes = F.relu(model.stem(torch.randn(1, 3, 32, 32))), []
    for stage in model.stages:
        x = stage(x)
        shapes.append((len(stage), *x.shape[1:]))
    assert shapes == [(2, 2, 32, 32), (3, 4, 16, 16), (2, 8, 8, 8)]


def test_a_block_without_weights_is_its_shortcut_even_below_zero() -> None:
    x = torch.randn(2, 4, 6, 6)
    same, halving = Block(4, 4), Block(4, 8)
    for parameter in [*same.parameters(), *halving.parameters()]:
        torch.nn.init.zeros_(parameter)
    assert torch.equal(same(x), x)
    pooled = halving(x)
    assert pooled.shape == (2, 8, 3, 3)
    torch.testing.assert_close(pooled[:, 2:6], F.avg_pool2d(x, 2))
    assert not pooled[:, :2].any()
    assert not pooled[:, 6:].any()


def test_both_convolutions_end_in_a_relu_and_the_shortcut_comes_after() -> None:
    block = Block(1, 1)
    x = torch.linspace(-2, 2, 16).reshape(1, 1, 4, 4)
    block.conv1.weight.data.zero_()
    block.conv2.weight.data.zero_()
    block.conv1.weight.data[..., 1, 1], block.conv2.weight.data[..., 1, 1] = 1, -1
    block.conv1.bias.data.fill_(0)
    block.conv2.bias.data.fill_(0.5)
    torch.testing.assert_close(block(x), x + (0.5 - x.clamp(min=0)).clamp(min=0))


@pytest.mark.parametrize(("size", "centres"), [(6, [1, 3, 5]), (5, [0, 2, 4])])
def test_a_strided_convolution_is_padded_as_by_tensorflow(size: int, centres: list[int]) -> None:
    """Its "same" padding of an even size is all at the end, so that the kernel's centre stands on odd places."""
    block = Block(1, 2)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    block.conv1.weight.data[1, 0, 1, 1] = 1
    block.conv2.weight.data[1, 1, 1, 1] = 1
    x = torch.rand(1, 1, size, size)
    # one channel's shortcut goes to the first of two, so that the second is the convolutions' alone
    assert torch.equal(block(x)[:, 1:], x[:, :, centres][:, :, :, centres])


def test_blocks_without_weights_leave_the_mean_of_the_stems_relu_to_the_classifier() -> None:
    model, images = CourseResNet(10, widths=[2, 4, 8]), torch.randn(3, 3, 32, 32)
    for parameter in model.stages.parameters():
        torch.nn.init.zeros_(parameter)
    means = F.pad(F.relu(model.stem(images)).mean((2, 3)), (3, 3))  # half before, half after: 1 + 2
    torch.testing.assert_close(model(images), model.classifier(means))


def test_weights_start_by_glorot_and_biases_at_zero() -> None:
    model = CourseResNet(10)
    bound = (6 / (9 * 64 + 9 * 128)) ** 0.5
    assert 0.99 * bound < model.stages[2][0].conv1.weight.abs().max() <= bound
    assert not any(parameter.any() for name, parameter in model.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"widths": [32, 64, 96]}, "each to be twice"),
        ({"widths": [32, 32, 64]}, "each to be twice"),
        ({"widths": [32, 64]}, "one of each a stage"),
        ({"blocks": [], "widths": []}, "one of each a stage"),
        ({"blocks": [1, 0, 1]}, "at least 1"),
        ({"image_size": 3}, "2 halvings need images of 4 pixels, not 3"),
    ],
)
def test_stages_that_do_not_fit_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        CourseResNet(10, **settings)


def test_the_smallest_image_is_taken() -> None:
    assert CourseResNet(10, image_size=4)(torch.randn(2, 3, 4, 4)).shape == (2, 10)
