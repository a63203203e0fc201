"""GoogLeNet: published sizes and costs, its stems, its auxiliary classifiers, and what cannot be built."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from core.errors import InputError
from datamodules.batches import ImageBatch
from lightning_modules import GoogLeNet
from lightning_modules.layers.local_response_norm import LocalResponseNorm

SMALL = {"num_classes": 7, "image_size": 32, "stem": "cifar", "width": 0.1}


def batch() -> ImageBatch:
    """Returns eight images of noise."""
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return ImageBatch(images, torch.arange(8) % 7, torch.arange(8), {})


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        # torchvision's, and Caffe's, each with and without auxiliary classifiers
        (13_004_888, {"five_by_five": False}),
        (6_624_904, {"five_by_five": False, "aux_weight": 0.0}),
        (13_378_280, {"batch_norm": False}),
        (6_998_552, {"batch_norm": False, "aux_weight": 0.0}),
    ],
)
def test_it_has_its_published_size(expected: int, settings: dict[str, object]) -> None:
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in GoogLeNet(1000, **settings).parameters()) == expected


@pytest.mark.parametrize(("five_by_five", "millions"), [(True, 1583), (False, 1498)])
def test_multiplications_are_the_published_ones_and_those_of_evaluation_leave_out_auxiliary_classifiers(
    five_by_five: bool, millions: int
) -> None:
    with torch.device("meta"):
        model = GoogLeNet(1000, five_by_five=five_by_five).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, 224, 224))
    assert round(counter.get_total_flops() / 2e6) == millions


@pytest.mark.parametrize(
    ("stem", "image_size", "sides"),
    [
        ("imagenet", 224, (14, 7)),
        ("imagenet", 63, (4, 2)),
        ("imagenet", 15, (1, 1)),
        ("cifar", 32, (16, 8)),
        ("cifar", 28, (14, 7)),
        ("cifar", 2, (1, 1)),
        ("whitening", 32, (7, 4)),
        ("whitening", 5, (1, 1)),
    ],
)
def test_the_stem_says_how_early_images_are_halved(stem: str, image_size: int, sides: tuple[int, int]) -> None:
    with torch.device("meta"):
        model = GoogLeNet(10, 1, image_size, stem=stem, aux_weight=0.3 if min(sides) > 1 else 0.0)
        first, second, last = model._features(torch.empty(2, 1, image_size, image_size))
    assert first.shape == (2, 512, sides[0], sides[0])
    assert second.shape == (2, 528, sides[0], sides[0])
    assert last.shape == (2, 1024, sides[1], sides[1])


@pytest.mark.parametrize(
    ("stem", "image_size", "kernel", "stride"),
    [("imagenet", 224, 5, 3), ("cifar", 32, 4, 4), ("cifar", 11, 2, 1), ("whitening", 17, 1, 1)],
)
def test_auxiliary_classifiers_look_at_4x4_places(stem: str, image_size: int, kernel: int, stride: int) -> None:
    with torch.device("meta"):
        model = GoogLeNet(10, 3, image_size, stem=stem)
        first, second, _ = model._features(torch.empty(2, 3, image_size, image_size))
        for auxiliary, maps in ((model.aux1, first), (model.aux2, second)):
            assert (auxiliary.pool.kernel_size, auxiliary.pool.stride) == (kernel, stride)
            assert auxiliary.pool(maps).shape[2:] == (4, 4)
            assert auxiliary(maps).shape == (2, 10)


def test_training_adds_the_auxiliary_losses_by_their_weight() -> None:
    def outputs(**settings: object) -> tuple[Tensor, dict[str, Tensor], GoogLeNet]:
        torch.manual_seed(0)
        model = GoogLeNet(**SMALL, dropout=0.0, aux_dropout=0.0, label_smoothing=0.1, **settings)
        return *model.training_outputs(batch()), model

    logits, losses, model = outputs(aux_weight=0.25)
    first, second, _ = model._features(batch().images)
    scores = {"classification": (1, logits), "aux1": (0.25, model.aux1(first)), "aux2": (0.25, model.aux2(second))}
    assert list(losses) == list(scores)
    for name, (weight, x) in scores.items():
        expected = weight * nn.functional.cross_entropy(x, batch().targets, label_smoothing=0.1)
        torch.testing.assert_close(losses[name], expected)
    torch.testing.assert_close(model.training_step(batch(), 0), sum(losses.values()))

    logits, losses, model = outputs(aux_weight=0.0)
    assert list(losses) == ["classification"]
    torch.testing.assert_close(losses["classification"], model.loss(logits, batch().targets, 0.1))
    assert not [name for name, _ in model.named_parameters() if name.startswith("aux")]


def test_evaluation_does_without_auxiliary_classifiers() -> None:
    model = GoogLeNet(**SMALL).eval()
    expected = model(batch().images)
    model.aux1 = model.aux2 = None
    torch.testing.assert_close(model(batch().images), expected)


def test_settings_reach_their_layers() -> None:
    model = GoogLeNet(**SMALL, dropout=0.1, aux_dropout=0.2)
    assert (model.dropout.p, model.aux1.dropout.p, model.aux2.dropout.p) == (0.1, 0.2, 0.2)
    assert model.inception4e.branch3[1].conv.kernel_size == (5, 5)
    assert GoogLeNet(**SMALL, five_by_five=False).inception4e.branch3[1].conv.kernel_size == (3, 3)
    assert (model.inception5b.out_channels, model.aux1.conv.conv.out_channels, model.aux1.fc1.out_features) == (
        38 + 38 + 13 + 13,
        13,
        102,
    )


def test_without_batch_norm_the_stem_has_local_response_normalisation() -> None:
    def count(kind: type, **settings: object) -> int:
        with torch.device("meta"):
            return sum(isinstance(module, kind) for module in GoogLeNet(10, **settings).modules())

    assert (count(LocalResponseNorm), count(nn.BatchNorm2d)) == (0, 3 + 9 * 6 + 2)
    assert (count(LocalResponseNorm, batch_norm=False), count(nn.BatchNorm2d, batch_norm=False)) == (2, 0)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"image_size": 62},
            r"stem imagenet with aux_weight 0.3 needs images of 63 pixels, not 62 \(stem cifar with aux_weight 0: 2\)$",
        ),
        ({"image_size": 14, "aux_weight": 0.0}, "stem imagenet with aux_weight 0 needs images of 15 pixels, not 14"),
        ({"image_size": 7, "stem": "cifar"}, "stem cifar with aux_weight 0.3 needs images of 8 pixels, not 7"),
        ({"width": 0.0}, "width is a factor above 0, not 0"),
        ({"width": float("inf")}, "width is a factor above 0, not inf"),
        ({"aux_weight": -0.3}, "aux_weight is at least 0, not -0.3"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        GoogLeNet(num_classes=10, **settings)
