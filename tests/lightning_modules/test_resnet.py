"""ResNet: published sizes, shortcuts, stems, and what is refused."""

from functools import partial

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import ResNet
from lightning_modules.resnet import BasicBlock, Bottleneck
from tests.networks import number_of_parameters

SMALL = {"num_classes": 3, "image_size": 16, "blocks": [1, 2], "width": 4}
count = partial(number_of_parameters, ResNet)


@pytest.mark.parametrize(
    ("depth", "expected"), [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)]
)
def test_the_nets_for_cifar_have_their_published_size(depth: int, expected: int) -> None:
    assert count(num_classes=10, depth=depth) == expected
    # two projections to 32 and 64 channels, each with a norm
    assert count(num_classes=10, depth=depth, shortcut="projection") == expected + 16 * 32 + 64 + 32 * 64 + 128


@pytest.mark.parametrize(
    ("depth", "expected", "with_small_stem"),
    [
        (18, 11_689_512, 11_173_962),
        (34, 21_797_672, 21_282_122),
        (50, 25_557_032, 23_520_842),
        (101, 44_549_160, 42_512_970),
        (152, 60_192_808, 58_156_618),
    ],
)
def test_the_nets_for_imagenet_have_their_published_size(depth: int, expected: int, with_small_stem: int) -> None:
    assert count(num_classes=1000, image_size=224, depth=depth) == expected
    assert count(num_classes=10, depth=depth, stem="cifar") == with_small_stem


def test_a_depth_stands_for_its_blocks_and_their_defaults() -> None:
    assert count(num_classes=10, depth=20) == count(num_classes=10, blocks=[3, 3, 3])
    settings = {"width": 64, "stem": "imagenet", "shortcut": "projection"}
    assert count(num_classes=10, depth=18) == count(num_classes=10, blocks=[2, 2, 2, 2], **settings)


@pytest.mark.parametrize(("depth", "kind"), [(34, BasicBlock), (50, Bottleneck)])
def test_each_stage_after_the_first_halves_the_maps_and_doubles_the_channels(depth: int, kind: type) -> None:
    model = ResNet(num_classes=3, image_size=64, depth=depth, width=4)
    shapes = []
    for stage in model.stages:
        assert {type(block) for block in stage} == {kind}
        stage.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    model(torch.randn(2, 3, 64, 64))
    assert shapes == [(width * kind.expansion, side, side) for width, side in ((4, 16), (8, 8), (16, 4), (32, 2))]


def test_a_bottlenecks_stride_is_at_its_3x3_convolution() -> None:
    block = ResNet(num_classes=3, depth=50, width=4).stages[1][0]
    assert [layer.stride for layer in (block.conv1, block.conv2, block.conv3)] == [(1, 1), (2, 2), (1, 1)]


def test_a_shortcut_of_zeros_keeps_every_other_pixel() -> None:
    shortcut = ResNet(**SMALL).stages[1][0].downsample
    x = torch.randn(2, 4, 5, 5)
    out = shortcut(x)
    assert out.shape == (2, 8, 3, 3)
    assert torch.equal(out[:, :4], x[:, :, ::2, ::2])
    assert not out[:, 4:].any()


@pytest.mark.parametrize("form", [SMALL, {"num_classes": 3, "depth": 50, "width": 4}], ids=["basic", "bottleneck"])
def test_residuals_that_start_at_zero_leave_the_shortcut(form: dict[str, object]) -> None:
    x = torch.rand(2, 4 * 4 if "depth" in form else 4, 8, 8)  # positive, as behind an activation
    for zero in (True, False):
        block = ResNet(**form, zero_init_residual=zero).eval().stages[0][-1]
        block.downsample = nn.Identity()
        if x.shape[1] == block.conv1.in_channels:
            assert torch.equal(block(x), x) == zero
        assert [norm.weight.any().item() for norm in block.children() if isinstance(norm, nn.BatchNorm2d)][-1] != zero


def test_settings_reach_their_layers() -> None:
    model = ResNet(**SMALL, norm_momentum=0.3, norm_epsilon=1e-3, activation="gelu", dropout=0.25)
    modules = list(model.modules())
    assert {(norm.momentum, norm.eps) for norm in modules if isinstance(norm, nn.BatchNorm2d)} == {(0.3, 1e-3)}
    assert [module.p for module in modules if isinstance(module, nn.Dropout)] == [0.25]
    assert sum(isinstance(module, nn.GELU) for module in modules) == 4
    assert not any(isinstance(module, nn.ReLU) for module in modules)


@pytest.mark.parametrize("size", [17, 28, 33])
def test_odd_images_are_taken_down_to_two_pixels_before_the_last_halving(size: int) -> None:
    assert ResNet(num_classes=3, image_size=size, depth=18, width=4)(torch.randn(2, 3, size, size)).shape == (2, 3)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"depth": 18, "image_size": 16}, "ResNet: 5 halvings need images of 17 pixels, not 16"),
        ({"depth": 18, "stem": "cifar", "image_size": 4}, "ResNet: 3 halvings need images of 5 pixels, not 4"),
        ({"depth": 20, "image_size": 2}, "ResNet: 2 halvings need images of 3 pixels, not 2"),
        ({"depth": 18, "blocks": [1]}, "depth already sets blocks: give only one of them"),
        ({}, "give depth .* or blocks"),
        ({"blocks": []}, "give depth .* or blocks"),
        ({"blocks": [1, 0]}, "width and blocks are at least 1"),
        ({"depth": 20, "width": 0}, "width and blocks are at least 1"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ResNet(num_classes=10, **settings)


def test_the_whitening_stem_leaves_maps_of_nearly_half_the_size() -> None:
    model = ResNet(num_classes=3, blocks=[1, 1], width=8, stem="whitening")
    shapes = []
    for stage in model.stages:
        stage.register_forward_hook(lambda module, args, output: shapes.append(tuple(output.shape)))
    model(torch.randn(2, 3, 32, 32))
    assert shapes == [(2, 8, 15, 15), (2, 16, 8, 8)]
    assert "whitening.0.weight" in dict(model.named_buffers())
    # 2x2 patches of three channels make 24 filters, that are not trained
    assert count(num_classes=3, blocks=[1, 1], width=8, stem="whitening") == count(
        num_classes=3, blocks=[1, 1], width=8
    ) + 8 * 9 * (24 - 3)


def test_images_too_small_for_the_whitening_stem_are_refused() -> None:
    smallest = {"num_classes": 3, "blocks": [1, 1, 1], "width": 4, "stem": "whitening"}
    assert ResNet(**smallest, image_size=7)(torch.randn(2, 3, 7, 7)).shape == (2, 3)
    with pytest.raises(InputError, match="3 halvings need images of 7 pixels, not 6"):
        ResNet(**smallest, image_size=6)
