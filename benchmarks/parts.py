"""What single parts of a run take, each beside what it replaced: the table of docs/performance.md.

    python -m benchmarks.parts

Each part is measured by itself, on random numbers: it shows how much a part gains, not its share of a run. Each
figure is the median of several calls; what is kept of freed memory is measured in processes of their own.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from benchmarks.epoch_end import epoch_end
from benchmarks.freed_memory import IMAGES, train_elsewhere
from benchmarks.measure import by_turns, parser, ratio, show, summarize, write
from benchmarks.overhead import vgg
from benchmarks.timer import CPU
from core.randomness import seed_device
from datamodules import CIFAR10DataModule, MNISTDataModule
from lightning_modules import MLP, ModernLeNet5
from lightning_modules.layers.pooled_convolution import PooledConv2d
from lightning_modules.optimizers import newton_schulz, orthogonalize


@dataclass(frozen=True)
class Part:
    """A part of a run in two forms.

    Attributes:
        what: What it does.
        unit: Of its figures.
        names: What does it in the first and in the second form.
        first: Returns the figure of the form that was replaced, or that is not the default.
        second: Returns that of the other.
    """

    what: str
    unit: str
    names: tuple[str, str]
    first: Callable[[], float]
    second: Callable[[], float]


def milliseconds(call: Callable[[], Any], times: int) -> float:
    """Returns how long the median of some calls takes."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - began))
    return statistics.median(taken)


def microseconds(call: Callable[[], Any], times: int) -> float:
    """Returns the same in smaller units."""
    return 1e3 * milliseconds(call, times)


def with_gradients(network: nn.Module) -> nn.Module:
    """Returns a network whose trained weights have random gradients."""
    for weight in network.parameters():
        weight.grad = torch.randn_like(weight) if weight.requires_grad else None
    return network


def pool_by_slices(x: Tensor) -> Tensor:
    """Returns the maximum of each 2x2 window of [B, C, H, W]."""
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    rows = torch.maximum(x[:, :, 0:height:2], x[:, :, 1:height:2])
    return torch.maximum(rows[..., 0:width:2], rows[..., 1:width:2])


def convolve(module: nn.Module, maps: Tensor) -> None:
    """Computes a convolution of [B, C, H, W] in the number format of the maps, and its gradients."""
    module.to(maps.dtype)(maps.detach().requires_grad_()).float().sum().backward()


def parts() -> dict[str, Part]:
    """Returns all parts by name."""
    images = torch.randint(0, 256, (20_000, 32, 32, 3), dtype=torch.uint8)
    index = torch.randperm(len(images))[:500]
    maps = torch.randn(500, 64, 31, 31).to(torch.bfloat16, memory_format=torch.channels_last)
    depthwise = nn.Conv2d(256, 256, 3, 2, 1, groups=256, bias=False)
    small_maps = torch.randn(250, 256, 8, 8).to(memory_format=torch.channels_last)
    odd_maps = torch.randn(100, 256, 7, 7).to(torch.bfloat16, memory_format=torch.channels_last)
    plain, pooled = nn.Conv2d(256, 256, 3, padding=1, bias=False), PooledConv2d(256, 256, bias=False)
    matrix = torch.randn(256, 2304)
    network = with_gradients(vgg())
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    small = [*with_gradients(MLP(10, 1, 28, widths=[8, 8, 8])).parameters()]
    groups = [{"params": [weight]} for weight in small]

    def step(kind: type[optim.Optimizer], params: Any, times: int, **settings: Any) -> float:
        return microseconds(kind(params, lr=1e-6, **settings).step, times)

    mnist, cifar10 = MNISTDataModule(source="synthetic", batch_size=20), CIFAR10DataModule(source="synthetic")
    return {
        "seeding": Part(
            "seed what a step draws",
            "microseconds",
            ("`torch.manual_seed`", "`seed_device`"),
            lambda: microseconds(lambda: torch.manual_seed(1), 200),
            lambda: microseconds(lambda: seed_device(1, CPU), 200),
        ),
        "groups": Part(
            f"an SGD step of {len(small)} small tensors",
            "microseconds",
            (f"{len(groups)} parameter groups", "one group"),
            lambda: step(optim.SGD, [dict(group) for group in groups], 200, momentum=0.9),
            lambda: step(optim.SGD, small, 200, momentum=0.9),
        ),
        "adamw": Part(
            "an AdamW step of the weights of a VGG 64-256-256",
            "microseconds",
            ("as usual", "`fused: true`"),
            lambda: step(optim.AdamW, weights, 10),
            lambda: step(optim.AdamW, weights, 10, fused=True),
        ),
        "sgd": Part(
            "an SGD step of these",
            "microseconds",
            ("as usual", "`fused: true`"),
            lambda: step(optim.SGD, weights, 10, momentum=0.9),
            lambda: step(optim.SGD, weights, 10, momentum=0.9, fused=True),
        ),
        "gather": Part(
            "gather 500 images of CIFAR-10",
            "milliseconds",
            ("`images[index]`", "`index_select`"),
            lambda: milliseconds(lambda: images[index], 20),
            lambda: milliseconds(lambda: images.index_select(0, index), 20),
        ),
        "pooling": Part(
            "pool 500 x 64 maps of 31 x 31, forward",
            "milliseconds",
            ("slices and `maximum`", "`max_pool2d`"),
            lambda: milliseconds(lambda: pool_by_slices(maps), 5),
            lambda: milliseconds(lambda: F.max_pool2d(maps, 2), 5),
        ),
        "depthwise": Part(
            "a depthwise convolution with a stride of 2, 250 x 256 maps of 8 x 8, with its gradients",
            "milliseconds",
            ("bfloat16", "float32"),
            lambda: milliseconds(lambda: convolve(depthwise, small_maps.bfloat16()), 5),
            lambda: milliseconds(lambda: convolve(depthwise, small_maps), 5),
        ),
        "pooled_convolution": Part(
            "a convolution and max pooling, 100 x 256 maps of 7 x 7, with their gradients",
            "milliseconds",
            ("all places", "those that are pooled"),
            lambda: milliseconds(lambda: convolve(nn.Sequential(plain, nn.MaxPool2d(2)), odd_maps), 5),
            lambda: milliseconds(lambda: convolve(nn.Sequential(pooled, nn.MaxPool2d(2)), odd_maps), 5),
        ),
        "muon": Part(
            "three iterations of Muon, for 256 filters of 256 x 3 x 3",
            "milliseconds",
            ("products of the whole matrix", "of its square"),
            lambda: milliseconds(lambda: newton_schulz(matrix / matrix.norm(), 3), 10),
            lambda: milliseconds(lambda: orthogonalize(matrix, 3), 10),
        ),
        "freed_memory": Part(
            f"a step of a VGG 64-256-256, {IMAGES} images",
            "milliseconds",
            ("freed memory returned", "kept"),
            lambda: train_elsewhere(False, "milliseconds"),
            lambda: train_elsewhere(True, "milliseconds"),
        ),
        "page_faults": Part(
            "its page faults",
            "faults",
            ("freed memory returned", "kept"),
            lambda: train_elsewhere(False, "faults"),
            lambda: train_elsewhere(True, "faults"),
        ),
        "epoch_end_lenet5": Part(
            "the end of an epoch of LeNet-5, without validation",
            "milliseconds",
            ("with its checkpoint", "without"),
            lambda: epoch_end(lambda: ModernLeNet5(10, 1, 28), mnist, True),
            lambda: epoch_end(lambda: ModernLeNet5(10, 1, 28), mnist, False),
        ),
        "epoch_end_vgg_bn": Part(
            "of a VGG 64-256-256",
            "milliseconds",
            ("with its checkpoint", "without"),
            lambda: epoch_end(vgg, cifar10, True),
            lambda: epoch_end(vgg, cifar10, False),
        ),
    }


def main(argv: list[str] | None = None) -> None:
    """Measures all parts and writes the record."""
    options = parser(__doc__)
    options.add_argument("--only", nargs="+", help="names of parts")
    arguments = options.parse_args(argv)
    results = {}
    known = parts()
    for name in arguments.only or known:
        part = known[name]
        print(f"{part.what}: {' or '.join(part.names)}")
        figures = by_turns({"first": part.first, "second": part.second}, arguments.pairs, part.unit)
        results[name] = {
            "what": part.what,
            "unit": part.unit,
            "names": list(part.names),
            **{form: summarize(values) for form, values in figures.items()},
            "first_of_second": ratio(figures["first"], figures["second"]),
        }
        show(f"{name}: first of second", results[name]["first_of_second"])
    write(__file__, results, arguments, "random numbers")


if __name__ == "__main__":
    main()
