"""The perceptron follows Rosenblatt's rule to the digit."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from datamodules import XORDataModule
from lightning_modules import Perceptron
from tests.tiny import tiny_trainer


def points(n: int) -> tuple[Tensor, Tensor]:
    """Returns n points in the plane, [n, 2, 1, 1], and the side of a line through none of them that they are on."""
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(4 * n, 2, 1, 1, generator=rng)
    height = images[:, 0, 0, 0] + 2 * images[:, 1, 0, 0] - 0.5
    apart = height.abs() > 0.2
    return images[apart][:n], (height[apart] > 0).long()[:n]


def steps(model: Perceptron, images: Tensor, targets: Tensor, batch: int, lr: float) -> None:
    """Descends the gradient of the model's loss, batch by batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for x, t in zip(images.split(batch), targets.split(batch), strict=True):
        optimizer.zero_grad()
        model.loss(model(x), t).backward()
        optimizer.step()


def test_gradient_descent_one_image_a_batch_is_rosenblatts_rule() -> None:
    images, targets = points(50)
    model = Perceptron(in_channels=2, image_size=1)
    assert not model.linear.weight.any()
    assert not model.linear.bias.any()
    w, b, mistakes = torch.zeros(2), torch.zeros(()), 0
    for x, t in zip(images.flatten(1), targets, strict=True):
        y = 1 if w @ x + b > 0 else 0
        w, b = w + 0.3 * (t - y) * x, b + 0.3 * (t - y)
        mistakes += int(t != y)
    assert 2 < mistakes < 25  # of either kind: the rule had work to do, and learned
    steps(model, images, targets, batch=1, lr=0.3)
    torch.testing.assert_close(model.linear.weight[0], w)
    torch.testing.assert_close(model.linear.bias[0], b)


def test_a_larger_batch_takes_the_mean_of_the_steps() -> None:
    torch.manual_seed(0)
    images, targets = points(10)
    model = Perceptron(in_channels=2, image_size=1, initializer="normal", initializer_scale=1.0)
    w, b, x = model.linear.weight[0].detach().clone(), model.linear.bias[0].detach().clone(), images.flatten(1)
    error = targets - (x @ w + b > 0).float()
    assert error.count_nonzero()
    steps(model, images, targets, batch=10, lr=0.3)
    torch.testing.assert_close(model.linear.weight[0], w + 0.3 * (error[:, None] * x).mean(0))
    torch.testing.assert_close(model.linear.bias[0], b + 0.3 * error.mean())


def test_what_a_line_divides_is_learned_without_a_mistake() -> None:
    images, targets = points(100)
    model = Perceptron(in_channels=2, image_size=1)
    for _ in range(50):  # as the convergence theorem promises
        steps(model, images, targets, batch=1, lr=1.0)
        if torch.equal(model(images).argmax(1), targets):
            break
    assert torch.equal(model(images).argmax(1), targets)
    assert model.loss(model(images), targets) == 0


def test_the_loss_is_the_mean_distance_of_mistakes_from_the_threshold() -> None:
    z = torch.tensor([3.0, 2.0, -1.0, -4.0, 0.0])
    logits = torch.stack([torch.zeros(5), z], 1)
    targets = torch.tensor([1, 0, 1, 0, 1])  # wrong: the second by 2, the third by 1, the last by 0
    model = Perceptron(in_channels=2, image_size=1)
    assert float(model.loss(logits, targets)) == pytest.approx(3 / 5)
    assert torch.equal(logits.argmax(1), torch.tensor([1, 1, 0, 0, 0]))  # on the threshold: class 0


def test_no_perceptron_learns_exclusive_or(tmp_path: Path) -> None:
    model, data = Perceptron(in_channels=2, image_size=1), XORDataModule(batch_size=10, noise=0.05)
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=5)
    trainer.fit(model, data)
    (measured,) = trainer.test(model, data, verbose=False)
    assert measured["test/acc"] < 0.8  # a line has three corners right at best


def test_two_classes_are_its_limit() -> None:
    with pytest.raises(InputError, match=r"separates 2 classes, .*--data\.classes.*SoftmaxRegression"):
        Perceptron(num_classes=10)
