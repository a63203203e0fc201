"""Augmentation of a whole batch is what a loop over its images would do."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from core.errors import InputError
from datamodules.cifar10 import CIFAR10DataModule
from datamodules.images.augmentation import Augmentation
from datamodules.images.loader import ImageLoader
from datamodules.images.normalization import Normalization
from datamodules.images.splits import ClassifiedImages

N = 400
WARP = {"rotation": 10.0, "scale": (0.8, 1.1), "shear": 5.0, "elastic": 0.7}
EVERYTHING = Augmentation(flip="random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2), **WARP)
FLIPS = {"none": torch.zeros(12, dtype=torch.bool), "some": torch.arange(12) % 2 == 1}
KINDS = ("channel", "symmetric", "unit", "none")


@pytest.fixture
def images() -> Tensor:
    """Twelve images of 6x7 pixels in two channels."""
    return torch.randint(1, 256, (12, 6, 7, 2), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_draws_are_a_function_of_seed_and_epoch() -> None:
    draws = EVERYTHING.draw(N, seed=0, epoch=3, seen=3)
    torch.manual_seed(5)
    again = EVERYTHING.draw(N, seed=0, epoch=3, seen=3)
    assert set(draws) == {"flip", "shift", "cutout", "brightness", "contrast", *WARP}
    for name, values in draws.items():
        assert len(values) == N
        assert torch.equal(values, again[name])
        assert not torch.equal(values, EVERYTHING.draw(N, seed=0, epoch=4, seen=4)[name])
        assert not torch.equal(values, EVERYTHING.draw(N, seed=1, epoch=3, seen=3)[name])


@pytest.mark.parametrize("flip", ["random", "alternating"])
def test_what_an_image_gets_does_not_depend_on_its_batch(flip: str) -> None:
    augmentation = Augmentation(flip, crop_padding=2, cutout=3, brightness=5, contrast=(0.5, 1.5), **WARP)
    place = torch.arange(24)
    by_batch_size = []
    for batch_size in (4, 6):
        batches = list(ImageLoader(ClassifiedImages(place.view(24, 1, 1, 1), place), batch_size, 7, augmentation))
        order = torch.cat([batch.index for batch in batches]).argsort()
        by_batch_size.append({name: torch.cat([b.draws[name] for b in batches])[order] for name in batches[0].draws})
    for name, values in augmentation.draw(24, 7, 0, 0).items():
        assert torch.equal(by_batch_size[0][name], values)
        assert torch.equal(by_batch_size[1][name], values)


def test_alternating_mirrors_every_image_in_exactly_every_second_epoch() -> None:
    flips = [Augmentation("alternating").draw(N, 0, epoch, epoch)["flip"] for epoch in range(4)]
    assert torch.equal(flips[0], ~flips[1])
    assert torch.equal(flips[0], flips[2])
    assert torch.equal(flips[1], flips[3])
    assert 0.4 < flips[0].float().mean() < 0.6
    assert not torch.equal(flips[0], Augmentation("alternating").draw(N, 1, 0, 0)["flip"])


def test_random_mirrors_half_of_the_images() -> None:
    assert 0.4 < Augmentation("random").draw(N, 0, 0, 0)["flip"].float().mean() < 0.6


def test_draws_span_the_configured_ranges() -> None:
    draws = EVERYTHING.draw(N, 0, 0, 0)
    for axis in range(2):
        counts = torch.bincount(draws["shift"][:, axis] + 2, minlength=5)
        assert len(counts) == 5
        assert counts.min() > N / 5 / 2
    for name, low, high in (
        ("cutout", 0, 1),
        ("brightness", -20, 20),
        ("contrast", 0.8, 1.2),
        ("rotation", -10, 10),
        ("scale", 0.8, 1.1),
        ("shear", -5, 5),
    ):
        width = (high - low) / 20
        assert low <= draws[name].min() < low + width
        assert high - width < draws[name].max() < high
    assert draws["elastic"].shape == (N, 2, 5, 5)
    assert draws["elastic"].mean().abs() < 0.05
    assert 0.65 < draws["elastic"].std() < 0.75


def test_nothing_is_drawn_or_done_when_all_is_off(images: Tensor) -> None:
    off = Augmentation()
    assert off.draw(N, 0, 0, 0) == {}
    assert off.move(images, {}) is images
    assert off.recolour(images, {}) is images
    assert off.cut(images, {}) is images


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("fill", ["reflect", "black"])
@pytest.mark.parametrize("padding", [1, 2, 5])
def test_the_crop_is_that_of_each_padded_image(images: Tensor, padding: int, fill: str, flip: str) -> None:
    augmentation = Augmentation(crop_padding=padding, crop_fill=fill)
    draws = augmentation.draw(12, 0, 0, 0) | {"flip": FLIPS[flip]}
    draws["shift"][:4] = torch.tensor([[-padding, -padding], [padding, padding], [padding, -padding], [0, 0]])
    moved = augmentation.move(images, draws)
    assert moved.dtype == torch.uint8
    for place, image in enumerate(images.numpy()):
        around = ((padding, padding), (padding, padding), (0, 0))
        padded = np.pad(image, around, mode="reflect" if fill == "reflect" else "constant")
        down, right = (draws["shift"][place] + padding).tolist()
        expected = padded[down : down + 6, right : right + 7]
        if draws["flip"][place]:
            expected = expected[:, ::-1]
        np.testing.assert_array_equal(moved[place].numpy(), expected)


@pytest.mark.parametrize("fill", ["reflect", "black"])
def test_a_flip_alone_mirrors_the_chosen_images(images: Tensor, fill: str) -> None:
    moved = Augmentation("random", crop_fill=fill).move(images, {"flip": FLIPS["some"]})
    assert torch.equal(moved[1::2], images[1::2].flip(2))
    assert torch.equal(moved[::2], images[::2])


def sampled(image: np.ndarray, x: float, y: float, fill: str) -> np.ndarray:
    """Returns the colour of one place in an image [H, W, C], bilinearly."""
    h, w, channels = image.shape
    colour = np.zeros(channels)
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            weight = (1 - abs(x - column)) * (1 - abs(y - row))
            if fill == "reflect":
                across, down = column % (2 * w - 2), row % (2 * h - 2)
                colour += weight * image[min(down, 2 * h - 2 - down), min(across, 2 * w - 2 - across)]
            elif 0 <= row < h and 0 <= column < w:
                colour += weight * image[row, column]
    return colour


@pytest.mark.parametrize("fill", ["reflect", "black"])
@pytest.mark.parametrize("on", [("rotation",), ("scale",), ("shear",), ("elastic",), (*WARP, "flip", "crop_padding")])
def test_a_warp_is_that_of_each_pixel_of_each_image(images: Tensor, on: tuple[str, ...], fill: str) -> None:
    settings = {"rotation": 40.0, "scale": (0.5, 1.5), "shear": 30.0, "elastic": 1.0}
    settings |= {"flip": "random", "crop_padding": 2}
    images = images[:5]
    augmentation = Augmentation(crop_fill=fill, **{name: settings[name] for name in on})
    draws = augmentation.draw(5, 0, 0, 0)
    moved = augmentation.move(images, draws)
    assert moved.dtype == torch.float32
    assert moved.is_contiguous()  # channels last, once permuted
    for place, image in enumerate(images.numpy().astype(float)):
        angle, slant = (math.radians(draws[name][place]) if name in draws else 0 for name in ("rotation", "shear"))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        forward = turn @ np.array([[1, math.tan(slant)], [0, 1]])  # slants first, then turns
        if "scale" in draws:
            forward *= draws["scale"][place].item()
        field = np.zeros((2, 6, 7))
        if "elastic" in draws:
            drawn = draws["elastic"][place][None]
            field = F.interpolate(drawn, (6, 7), mode="bicubic", align_corners=True)[0].numpy()
        for row in range(6):
            for column in range(7):
                seen = np.array([column - 3, row - 2.5])
                if "flip" in draws and draws["flip"][place]:
                    seen[0] *= -1
                x, y = np.linalg.inv(forward) @ seen + field[:, row, column]
                if "shift" in draws:
                    x, y = x + draws["shift"][place, 1].item(), y + draws["shift"][place, 0].item()
                expected = sampled(image, x + 3, y + 2.5, fill)
                np.testing.assert_allclose(moved[place, row, column].numpy(), expected, atol=0.02)


@pytest.mark.parametrize("fill", ["reflect", "black"])
def test_a_warp_by_nothing_is_the_plain_move(images: Tensor, fill: str) -> None:
    augmentation = Augmentation("random", crop_padding=3, crop_fill=fill, rotation=1)
    draws = augmentation.draw(12, 0, 0, 0)
    turned = augmentation.move(images, draws | {"rotation": torch.zeros(12)})
    del draws["rotation"]
    plain = augmentation.move(images, draws)
    assert plain.dtype == torch.uint8
    torch.testing.assert_close(turned, plain.float(), rtol=0, atol=0.01)


def test_a_quarter_turn_moves_the_top_to_the_right(images: Tensor) -> None:
    square = images[:, :, :6]
    turned = Augmentation(rotation=90).move(square, {"rotation": torch.full((12,), 90.0)})
    torch.testing.assert_close(turned, square.rot90(-1, (1, 2)).float(), rtol=0, atol=0.01)


def test_a_factor_above_one_enlarges() -> None:
    dot = torch.zeros(1, 9, 9, 1, dtype=torch.uint8)
    dot[0, 3:6, 3:6] = 100
    for factor, side in ((0.5, 1), (2.0, 5)):
        scaled = Augmentation(scale=(factor, factor), crop_fill="black").move(dot, {"scale": torch.tensor([factor])})
        assert (scaled > 99).sum() == side**2


def test_elastic_displacements_are_in_pixels_and_smooth() -> None:
    ramp = torch.arange(28.0).repeat(28, 1)[None, :, :, None] * 9
    draws = {"elastic": torch.zeros(1, 2, 5, 5)}
    draws["elastic"][:, 0] = 2.0  # every point by two pixels across
    moved = Augmentation(elastic=1).move(ramp, draws)
    torch.testing.assert_close(moved[:, :, :-2], ramp[:, :, 2:], rtol=0, atol=0.01)
    steps = Augmentation(elastic=1).move(ramp, Augmentation(elastic=1).draw(1, 0, 0, 0)).diff(dim=1).abs() / 9
    assert steps.max() < 1  # from pixel to pixel


@pytest.mark.parametrize("side", [1, 3, 4, 20])
def test_cutout_sets_a_square_about_the_drawn_pixel_cut_off_at_the_edge(images: Tensor, side: int) -> None:
    augmentation = Augmentation(cutout=side)
    places = augmentation.draw(12, 0, 0, 0)["cutout"]
    places[:4] = torch.tensor([[0.0, 0.0], [0.999, 0.999], [0.0, 0.999], [0.5, 0.5]])
    cut = augmentation.cut(images.float(), {"cutout": places})
    for place in range(12):
        row, column = int(places[place, 0] * 6), int(places[place, 1] * 7)
        expected = images[place].float().clone()
        for y in range(6):
            for x in range(7):
                if 0 <= y - (row - side // 2) < side and 0 <= x - (column - side // 2) < side:
                    expected[y, x] = 0
        assert torch.equal(cut[place], expected)


def test_recolouring_follows_the_formula_and_clips_nothing(images: Tensor) -> None:
    augmentation = Augmentation(brightness=200, contrast=(0.5, 3))
    draws = augmentation.draw(12, 0, 0, 0)
    coloured = augmentation.recolour(images.float(), draws)
    for place, image in enumerate(images.double()):
        brighter = image + draws["brightness"][place]
        for channel in range(2):
            mean = brighter[..., channel].mean()
            expected = (brighter[..., channel] - mean) * draws["contrast"][place] + mean
            torch.testing.assert_close(coloured[place, ..., channel].double(), expected, rtol=0, atol=1e-3)
    assert coloured.min() < 0
    assert coloured.max() > 255


@pytest.mark.parametrize(
    ("kind", "black", "white"),
    [("channel", -0.4 / 0.2, 0.6 / 0.2), ("symmetric", -1.0, 1.0), ("unit", 0.0, 1.0), ("none", 0.0, 255.0)],
)
def test_each_normalisation_maps_black_and_white(kind: str, black: float, white: float) -> None:
    normalize = Normalization(kind, (0.4, 0.4), (0.2, 0.2))
    torch.testing.assert_close(normalize(torch.zeros(1, 2, 2, 2)), torch.full((1, 2, 2, 2), black))
    torch.testing.assert_close(normalize(torch.full((1, 2, 2, 2), 255.0)), torch.full((1, 2, 2, 2), white))


def test_cifar10_is_normalised_by_its_own_mean_and_standard_deviation() -> None:
    assert CIFAR10DataModule.mean == (0.4914, 0.4822, 0.4465)
    assert CIFAR10DataModule.std == (0.2470, 0.2435, 0.2616)
    pixel = torch.tensor([10.0, 128.0, 250.0]).view(1, 1, 1, 3)
    expected = [(10 / 255 - 0.4914) / 0.2470, (128 / 255 - 0.4822) / 0.2435, (250 / 255 - 0.4465) / 0.2616]
    normalize = Normalization("channel", CIFAR10DataModule.mean, CIFAR10DataModule.std)
    torch.testing.assert_close(normalize(pixel).flatten(), torch.tensor(expected))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_undo_gives_the_pixels_back(kind: str, channels: int) -> None:
    normalize = Normalization(kind, (0.49, 0.48, 0.45)[:channels], (0.25, 0.24, 0.26)[:channels])
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).repeat(1, 1, 1, channels)
    assert torch.equal(normalize.undo(normalize(pixels.float()).permute(0, 3, 1, 2)), pixels)


def test_undo_clips_what_is_no_pixel() -> None:
    normalize = Normalization("symmetric", (0.5,), (0.5,))
    assert normalize.undo(torch.tensor([-3.0, 3.0]).view(1, 1, 1, 2)).flatten().tolist() == [0, 255]


@pytest.mark.parametrize(
    "settings",
    [
        {"crop_padding": -1},
        {"cutout": -2},
        {"brightness": -0.5},
        {"contrast": (1.2, 0.8)},
        {"rotation": -1.0},
        {"shear": -1.0},
        {"shear": 90.0},
        {"elastic": -0.1},
        {"scale": (1.1, 0.9)},
        {"scale": (0.0, 1.0)},
        {"rotation": math.nan},
        {"brightness": math.inf},
        {"shear": math.nan},
        {"scale": (1.0, math.inf)},
        {"contrast": (math.nan, 1.0)},
        {"first_sizes": (24, 0)},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(settings: dict) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        Augmentation(**settings)


def test_images_shrink_in_the_first_epochs_alone() -> None:
    augmentation = Augmentation(first_sizes=(12, 16))
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    small = augmentation.shrink(images, 0)
    for whole, shrunk in zip(images.flatten(0, 1), small.flatten(0, 1), strict=True):
        theirs = Image.fromarray(whole.numpy()).resize((12, 12), Image.Resampling.BILINEAR)
        torch.testing.assert_close(shrunk, torch.from_numpy(np.array(theirs)), atol=1e-5, rtol=1e-5)
    assert augmentation.shrink(images, 1) is images
    assert augmentation.shrink(images, 2) is images
