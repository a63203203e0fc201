"""Training speed on a CPU: `fit` compared with the usual training script and with a matrix product.

    python -m benchmarks.training --data_dir DIR

Ours trains in `fit` with everything on (bar, metrics, CSV, TensorBoard, guard), at the precision that `auto` chooses.
The usual script trains the same network in float32 and torch's default layout, with torchvision's dataset, its
transforms a sample at a time, and a loader of two workers. What is timed is an epoch's loop over so many batches; the
first one, which sets everything up, is left out. The peak is that of a matrix product of 2048 by 2048 in the number
format that ours takes. Memory that a step frees stays with this process (engine/speed/allocator.py), for both.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.input_peers import Pictures, torchvision_transform
from benchmarks.measure import by_turns, data_settings, on_a_terminal, parser, ratio, show, source_of, summarize, write
from benchmarks.overhead import vgg
from core.processes.hardware import choose_precision
from datamodules import CIFAR10DataModule
from datamodules.images.augmentation import Augmentation
from engine.trainer import Trainer
from lightning_modules import VGG, ResNet
from lightning_modules.tasks.image_classifier import ImageClassifier

NETWORKS: dict[str, tuple[Callable[[], ImageClassifier], int, int]] = {  # network, batch size, batches
    "VGG 64-256-256": (vgg, 500, 8),
    "VGG-16-BN": (lambda: VGG(10, depth=16), 128, 12),
    "ResNet-18": (lambda: ResNet(10, depth=18, stem="cifar"), 128, 6),
}


class Timer(pl.Callback):
    """Measures the seconds from the end of the first batch to the end of the last."""

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Starts after the first batch, and records the time after each later one."""
        if batch_idx == 0:
            self.began = time.perf_counter()
        self.seconds = time.perf_counter() - self.began


def usual(network: Callable[[], ImageClassifier], data: CIFAR10DataModule, batch_size: int, batches: int) -> float:
    """Trains as the usual script does; returns images a second."""
    loader = DataLoader(
        Pictures(data.splits["train"], torchvision_transform("crop", 1)), batch_size, shuffle=True, num_workers=2
    )
    model = network()
    optimizer = torch.optim.SGD(
        (p for p in model.parameters() if p.requires_grad), lr=0.1, momentum=0.9, weight_decay=5e-4
    )
    loss_sum, correct = 0.0, 0
    for number, (images, targets) in enumerate(loader):
        optimizer.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, targets)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item()
        correct += logits.max(1)[1].eq(targets).sum().item()
        if number == 0:
            began = time.perf_counter()
        if number == batches:
            break
    return batches * batch_size / (time.perf_counter() - began)


def ours(network: Callable[[], ImageClassifier], data: CIFAR10DataModule, batch_size: int, batches: int) -> float:
    """Trains in `fit` with everything on; returns images a second."""
    timer = Timer()
    with tempfile.TemporaryDirectory() as folder, on_a_terminal():
        model = network()
        model.make_optimizer = lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=5e-4)
        trainer = Trainer(
            max_epochs=1,
            limit_train_batches=batches + 1,
            limit_val_batches=1,
            accelerator="cpu",
            devices=1,
            callbacks=[timer],
            default_root_dir=folder,
        )
        trainer.fit(model, data)
    return batches * batch_size / timer.seconds


def peak(dtype: torch.dtype) -> float:
    """Returns the speed of a matrix product in 10^9 operations a second."""
    a, b = torch.randn(2048, 2048, dtype=dtype), torch.randn(2048, 2048, dtype=dtype)
    best = 0.0
    for _ in range(8):
        began = time.perf_counter()
        a @ b
        best = max(best, 2 * 2048**3 / (time.perf_counter() - began) / 1e9)
    return best


def operations(network: nn.Module) -> float:
    """Returns operations of a training step an image, in 10^9: convolutions and dense layers, forward and backward."""
    from torch.utils.flop_counter import FlopCounterMode

    images = torch.randn(2, 3, 32, 32)
    with FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    return counter.get_total_flops() / len(images) / 1e9


def compare(name: str, data_dir: Path | None, batches: int | None, pairs: int) -> dict[str, Any]:
    """Measures one network.

    Args:
        name: One of `NETWORKS`.
        data_dir: Folder of CIFAR-10; synthetic pictures if not given.
        batches: Batches a turn; some, by network, if not given.
        pairs: Turns.

    Returns:
        Images a second of both, their ratio, and the share of the peak that ours uses.
    """
    network, batch_size, some = NETWORKS[name]
    augmentation = Augmentation(flip="random", crop_padding=4, crop_fill="black")
    data = CIFAR10DataModule(**data_settings(data_dir), batch_size=batch_size, augmentation=augmentation)
    data.setup("fit")
    call = (network, data, batch_size, batches or some)
    dtype = torch.bfloat16 if choose_precision("cpu") == "bf16-mixed" else torch.float32
    contenders = {"peak": lambda: peak(dtype), "ours": lambda: ours(*call), "the usual script": lambda: usual(*call)}
    figures = by_turns(contenders, pairs, "images/s (peak: 10^9 operations/s)")
    cost = operations(network())
    return {
        "images_per_second": {contender: summarize(figures[contender]) for contender in ("ours", "the usual script")},
        "ours_of_usual": ratio(figures["ours"], figures["the usual script"]),
        "gigaflops_an_image": cost,
        "peak_gigaflops": summarize(figures["peak"]),
        "share_of_peak": ratio([speed * cost for speed in figures["ours"]], figures["peak"]),
    }


def main() -> None:
    """Measures all networks and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--only", nargs="+", choices=NETWORKS, help="networks")
    options.add_argument("--batches", type=int, help="batches a turn; some, by network, if not given")
    arguments = options.parse_args()
    results: dict[str, Any] = {"precision": choose_precision("cpu")}
    for name in arguments.only or NETWORKS:
        print(name)
        results[name] = compare(name, arguments.data_dir, arguments.batches, arguments.pairs)
        show(f"{name}: ours of the usual script", results[name]["ours_of_usual"], 2)
        show(f"{name}: share of the peak", results[name]["share_of_peak"], 2)
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
