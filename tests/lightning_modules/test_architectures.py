"""What every architecture owes: it works for any number of classes, in every number format, and from a checkpoint."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import lightning_modules
from datamodules.batches import ImageBatch
from lightning_modules.layers.whitening import Whitening
from lightning_modules.tasks.image_classifier import ImageClassifier
from tests.exports import FORMAT, assert_runs_elsewhere
from tests.networks import (
    assert_a_checkpoint_gives_the_model_back,
    assert_deeper_layers_learn_slower,
    assert_gradients,
    assert_graph,
    logits_in_bfloat16,
)
from tests.tiny import SizedDataModule

# Each architecture in a form of its own that is quick, with the image sizes that it is to take. Several forms may stand
# for one class.
FORMS: dict[str, tuple[str, dict[str, object], list[tuple[int, int]]]] = {
    # name of the form: (class, settings, [(in_channels, image_size), ...])
    "AlexNet-2012": (
        "AlexNet",
        {"stem": "cifar", "width": 0.1, "head_widths": [32, 16]},
        [(1, 28), (3, 32), (3, 224)],
    ),
    "AlexNet-2014": ("AlexNet", {"form": 2014, "width": 0.1, "head_widths": [32, 16]}, [(3, 64), (3, 224)]),
    "AlexNet-norm": (
        "AlexNet",
        {"stem": "cifar", "width": 0.1, "head_widths": [], "batch_norm": True},
        [(1, 28), (3, 32)],
    ),
    "ConvNet": ("ConvNet", {"widths": [4, 6]}, [(1, 28), (3, 32), (3, 224)]),
    "ConvNet-norm": ("ConvNet", {"widths": [4, 6], "head_widths": [9], "batch_norm": True}, [(1, 28), (3, 32)]),
    "CourseInception": ("CourseInception", {"stem_width": 4, "width": 2}, [(1, 28), (3, 32), (3, 224)]),
    "CourseMobileNet": ("CourseMobileNet", {"width": 6}, [(1, 28), (3, 32), (3, 224)]),
    "CourseResNet": ("CourseResNet", {"blocks": [1, 2], "widths": [4, 8]}, [(1, 28), (3, 29), (3, 32), (3, 224)]),
    "GoogLeNet": ("GoogLeNet", {"stem": "cifar", "width": 0.125}, [(1, 28), (3, 32)]),
    "GoogLeNet-imagenet": ("GoogLeNet", {"width": 0.125, "five_by_five": False}, [(3, 64), (3, 224)]),
    "GoogLeNet-whitening": ("GoogLeNet", {"stem": "whitening", "width": 0.125, "aux_weight": 0.0}, [(1, 28), (3, 32)]),
    "GoogLeNet-whitening-plain": (
        "GoogLeNet",
        {"stem": "whitening", "width": 0.25, "batch_norm": False, "aux_weight": 0.0},
        [(3, 32)],
    ),
    "GoogLeNet-plain": ("GoogLeNet", {"width": 0.25, "batch_norm": False, "aux_weight": 0.0}, [(1, 28), (3, 32)]),
    "DenseNet": ("DenseNet", {"depth": 40, "growth_rate": 4}, [(1, 28), (3, 32)]),
    "DenseNet-whitening": ("DenseNet", {"depth": 40, "growth_rate": 4, "stem": "whitening"}, [(1, 28), (3, 32)]),
    "DenseNet-imagenet": ("DenseNet", {"depth": 40, "growth_rate": 4, "stem": "imagenet"}, [(1, 28), (3, 224)]),
    "EfficientNetLite": ("EfficientNetLite", {"version": "lite1", "head_widths": [8]}, [(1, 32), (3, 64)]),
    "LeNet5": ("LeNet5", {}, [(1, 28), (3, 32)]),
    "LeNet5-mse": ("LeNet5", {"loss": "mse"}, [(1, 28), (3, 32)]),
    "LogisticRegression": (
        "LogisticRegression",
        {"num_classes": 2, "initializer": "xavier"},
        [(1, 28), (3, 32), (3, 224)],
    ),
    "LogisticRegression-squares": (
        "LogisticRegression",
        {"num_classes": 2, "initializer": "xavier", "objective": "squared_error"},
        [(1, 28), (3, 32)],
    ),
    "MLP": ("MLP", {"widths": [9, 8]}, [(1, 28), (3, 32), (3, 224)]),
    "MLP-norm": ("MLP", {"widths": [9], "batch_norm": True}, [(1, 28), (3, 32)]),
    "MobileNet": ("MobileNet", {"stem": "cifar", "width_multiplier": 0.125}, [(1, 28), (3, 32)]),
    "MobileNet-whitening": ("MobileNet", {"stem": "whitening", "width_multiplier": 0.125}, [(1, 28), (3, 32)]),
    "MobileNet-imagenet": ("MobileNet", {"width_multiplier": 0.125}, [(3, 32), (3, 224)]),
    "MobileNetV2": ("MobileNetV2", {"stem": "cifar", "width_multiplier": 0.25}, [(1, 28), (3, 32)]),
    "MobileNetV2-whitening": ("MobileNetV2", {"stem": "whitening", "width_multiplier": 0.25}, [(1, 28), (3, 32)]),
    "MobileNetV2-imagenet": ("MobileNetV2", {"width_multiplier": 0.25}, [(3, 32), (3, 224)]),
    "ModernLeNet5": ("ModernLeNet5", {"widths": [4, 6, 9, 8]}, [(1, 28), (3, 32), (3, 224)]),
    "ModernLeNet5-norm": (
        "ModernLeNet5",
        {"widths": [4, 6, 9, 8], "batch_norm": True, "dropout": 0.1, "pool": "average", "activation": "tanh"},
        [(1, 28), (3, 32)],
    ),
    "Perceptron": ("Perceptron", {"num_classes": 2, "initializer": "xavier"}, [(1, 28), (3, 32), (3, 224)]),
    "ResNet": ("ResNet", {"blocks": [1, 1, 1], "width": 4}, [(1, 28), (3, 32), (3, 224)]),
    "ResNet-whitening": (
        "ResNet",
        {"blocks": [1, 1], "width": 4, "stem": "whitening", "activation": "gelu"},
        [(1, 28), (3, 32)],
    ),
    "ResNet-imagenet": (
        "ResNet",
        {"blocks": [1, 1, 1, 1], "width": 4, "stem": "imagenet", "shortcut": "projection", "activation": "silu"},
        [(1, 28), (3, 224)],
    ),
    "SoftmaxRegression": ("SoftmaxRegression", {"initializer": "xavier"}, [(1, 28), (3, 32), (3, 224)]),
    "VGG": ("VGG", {"widths": [4, 6], "convolutions": [1, 2]}, [(1, 28), (3, 32), (3, 224)]),
    "VGG-pool-first": (
        "VGG",
        {"widths": [4, 4, 6], "convolutions": [1, 2, 1], "whiten": True, "pool": "first", "head": "max"},
        [(1, 28), (3, 32)],
    ),
    "VGG-residual": ("VGG", {"widths": [4, 6], "convolutions": [2, 3], "residual": True}, [(3, 32)]),
    "VGG-scaled": ("VGG", {"widths": [4], "convolutions": [1], "whiten": True, "logit_scale": 0.1}, [(3, 32)]),
}

CASES = [
    pytest.param(name, channels, size, id=f"{name}-{channels}x{size}x{size}")
    for name, (_, _, sizes) in FORMS.items()
    for channels, size in sizes
]


def build(name: str, in_channels: int, image_size: int) -> ImageClassifier:
    """Returns a form with the same weights every time, as a run would begin with it."""
    torch.manual_seed(0)
    class_name, settings, _ = FORMS[name]
    sizes = {"num_classes": 7, "in_channels": in_channels, "image_size": image_size}
    model = getattr(lightning_modules, class_name)(**sizes | settings)
    for module in model.modules():
        if isinstance(module, Whitening):
            module.initialize_from(noise(16, in_channels, image_size))
    return model


def classes(name: str) -> int:
    """Returns an odd number of classes, or the only one that the form takes."""
    return FORMS[name][1].get("num_classes", 7)


def noise(n: int, channels: int, size: int) -> Tensor:
    """Returns images of noise."""
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(1))


def test_every_architecture_is_here() -> None:
    classes = {
        name for name in lightning_modules.__all__ if issubclass(getattr(lightning_modules, name), ImageClassifier)
    }
    assert {form[0] for form in FORMS.values()} == classes


@pytest.mark.parametrize(("name", "channels", "size"), CASES)
def test_logits_are_finite_and_every_parameter_gets_a_gradient(name: str, channels: int, size: int) -> None:
    model = build(name, in_channels=channels, image_size=size)
    images, targets = noise(4, channels, size), torch.arange(4) % classes(name)
    logits, losses = model.training_outputs(ImageBatch(images, targets, torch.arange(4), {}))
    assert logits.shape == (4, classes(name))
    assert logits.isfinite().all()
    sum(losses.values()).backward()
    assert_gradients(model)


@pytest.mark.parametrize("name", FORMS)
def test_layers_learn_slower_the_further_they_are_from_the_output(name: str) -> None:
    channels, size = FORMS[name][2][0]
    model = build(name, channels, size)
    batch = ImageBatch(noise(4, channels, size), torch.arange(4) % classes(name), torch.arange(4), {})
    layers = sum(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules())
    assert_deeper_layers_learn_slower(model, batch, min(layers, 3))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("DenseNet", {"depth": 100, "image_size": 28, "growth_rate": 6}),
        ("DenseNet", {"depth": 121, "image_size": 28, "growth_rate": 6, "stem": "cifar"}),
        ("DenseNet", {"depth": 201, "image_size": 64, "growth_rate": 6}),
        ("ResNet", {"depth": 110, "image_size": 28}),
        ("ResNet", {"depth": 18, "image_size": 28, "width": 8}),
        ("ResNet", {"depth": 50, "image_size": 28, "width": 4, "stem": "cifar"}),
        ("ResNet", {"depth": 101, "image_size": 64, "width": 4, "shortcut": "zeros"}),
    ],
    ids=lambda settings: (
        "-".join(str(value) for value in settings.values()) if isinstance(settings, dict) else settings
    ),
)
def test_deep_nets_are_finite_and_every_parameter_gets_a_gradient(name: str, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    model = getattr(lightning_modules, name)(num_classes=3, in_channels=1, **settings)
    images = torch.randn(4, 1, settings["image_size"], settings["image_size"])
    logits = model(images)
    assert logits.isfinite().all()
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    assert_gradients(model)


CHAINS = {"AlexNet", "DenseNet", "EfficientNetLite", "MobileNet", "MobileNetV2", "ResNet", "VGG"}


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form[0] in CHAINS])
@torch.no_grad()
def test_a_network_can_be_divided_behind_each_of_its_steps(name: str) -> None:
    channels, size = FORMS[name][2][0]
    model = build(name, in_channels=channels, image_size=size).eval()
    images = noise(2, channels, size)
    expected = model(images)
    steps = model.steps()
    assert {id(one) for step in steps.values() for one in step.parameters()} == {id(one) for one in model.parameters()}
    for step in list(steps)[:-1]:
        model.encode_until(step)
        batch = ImageBatch(model.picture_encoder()(images), torch.zeros(2), torch.arange(2), {})
        torch.testing.assert_close(model.predicted_logits(batch), expected, msg=step)
    model.encode_until(None)
    assert model.picture_encoder() is None


def test_a_network_that_is_no_chain_has_no_steps() -> None:
    assert not any(build(name, *FORMS[name][2][0]).steps() for name, form in FORMS.items() if form[0] not in CHAINS)


@pytest.mark.parametrize("name", FORMS)
def test_channels_last_and_bfloat16_agree_with_float32(name: str) -> None:
    channels, size = FORMS[name][2][0]
    model = build(name, in_channels=channels, image_size=size)
    rounded, expected = logits_in_bfloat16(model, noise(16, channels, size))
    # untrained deep nets magnify what rounding does; unrelated logits would give about 1.4
    assert (rounded.float() - expected).square().mean().sqrt() < 0.3 * expected.std()


@pytest.mark.parametrize("name", FORMS)
def test_the_datas_sizes_arrive_and_a_checkpoint_alone_gives_the_model_back(name: str, tmp_path: Path) -> None:
    """jsonargparse ignores a link whose target lacks the argument."""
    class_name, settings, sizes = FORMS[name]
    data = {"num_classes": classes(name), "in_channels": sizes[0][0], "image_size": sizes[0][1]}
    model = {key: value for key, value in settings.items() if key not in data}
    loaded = assert_a_checkpoint_gives_the_model_back(
        {"class_path": f"lightning_modules.{class_name}", "init_args": model},
        {"class_path": "tests.tiny.SizedDataModule", "init_args": data},
        tmp_path,
    )
    hyperparameters = dict(loaded.hparams)
    assert {key: hyperparameters[key] for key in data} == data
    assert not {"optimizer", "lr_scheduler"} & set(hyperparameters)
    for key, value in hyperparameters.items():
        assert isinstance(value, str | int | float | list | None), f"{key} is a {type(value).__name__}"


@pytest.mark.parametrize("name", FORMS)
def test_its_graph_leads_from_the_batch_to_the_loss(name: str) -> None:
    channels, size = FORMS[name][2][0]
    batch = ImageBatch(noise(2, channels, size), torch.arange(2) % classes(name), torch.arange(2), {})
    assert_graph(build(name, in_channels=channels, image_size=size), batch)


# Deep nets in forms whose layers other forms have, too: left out unless a format is asked for.
REPEATED = {"DenseNet-imagenet", "GoogLeNet-imagenet", "GoogLeNet-plain", "MobileNet-imagenet", "MobileNetV2-imagenet"}


@pytest.mark.parametrize("name", [name for name in FORMS if FORMAT != "torchscript" or name not in REPEATED])
def test_it_runs_without_this_project(name: str) -> None:
    channels, size = FORMS[name][2][0]
    data = SizedDataModule(classes(name), channels, size)
    assert_runs_elsewhere(build(name, channels, size).eval().export_form(data))
