"""EfficientNet-Lite: the published sizes and costs, and the logits of the package that publishes its weights."""

from functools import partial

import pytest
import torch

from core.errors import InputError
from engine.weights.initial_weights import load_weights
from lightning_modules import EfficientNetLite
from lightning_modules.efficientnet_lite import SameConv2d
from tests.networks import millions_of_multiplications, number_of_parameters


@pytest.mark.parametrize(
    ("version", "image_size", "parameters", "millions"),
    [
        # the authors' table has 407, 631, 899, 1,440 and 2,640 millions, with norms and activations
        ("lite0", 224, 4_652_008, 385),
        ("lite1", 240, 5_416_680, 600),
        ("lite2", 260, 6_092_072, 860),
        ("lite3", 280, 8_197_096, 1383),
        ("lite4", 300, 13_006_568, 2553),
    ],
)
def test_parameters_and_multiplications_are_the_authors(
    version: str, image_size: int, parameters: int, millions: int
) -> None:
    make = partial(EfficientNetLite, 1000, 3, image_size, version)
    assert number_of_parameters(make) == parameters
    assert millions_of_multiplications(make, image_size) == millions


@torch.no_grad()
def test_the_packages_weights_give_the_packages_logits() -> None:
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="its network is compared with")
    torch.manual_seed(0)
    theirs = package.EfficientNet.from_name("efficientnet-lite0").eval()
    for name, value in theirs.state_dict().items():  # so that a swap would be seen
        if name.endswith(("running_var", "running_mean")) or ("_bn" in name and name.endswith(("weight", "bias"))):
            value.uniform_(0.5, 1.5)
    ours = EfficientNetLite(1000).eval()
    lines = load_weights(ours, theirs.state_dict(), "package")
    assert len(lines) == 1, lines  # nothing skipped, nothing kept
    images = torch.randn(1, 3, 224, 224)
    expected = theirs(images)
    assert expected.std() > 1e-2
    torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("side", "kernel", "padded"), [(6, 3, (0, 1)), (7, 3, (1, 1)), (6, 5, (1, 2)), (1, 3, (1, 1))])
def test_an_uneven_padding_is_below_and_on_the_right(side: int, kernel: int, padded: tuple[int, int]) -> None:
    layer = SameConv2d(1, 1, kernel, 2, bias=False)
    x = torch.randn(1, 1, side, side)
    expected = torch.nn.functional.conv2d(torch.nn.functional.pad(x, padded * 2), layer.weight, stride=2)
    assert torch.equal(layer(x), expected)
    assert expected.shape[-1] == -(-side // 2)


def test_images_that_are_too_small_are_one_line() -> None:
    with pytest.raises(InputError, match="EfficientNetLite: 5 halvings need images of 32 pixels, not 16"):
        EfficientNetLite(10, image_size=16)
    with pytest.raises(InputError, match="head_widths \\[0\\]: each is at least 1"):
        EfficientNetLite(10, head_widths=[0])
