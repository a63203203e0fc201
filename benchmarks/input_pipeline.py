"""Images preprocessed a second, compared with torchvision and kornia.

    python -m benchmarks.input_pipeline --data_dir DIR

All start from the same uint8 pictures of CIFAR-10's size in memory and end in batches of normalised float32:

- crop: flip, crop out of the picture padded by 4 pixels, normalise;
- colour: flip, change brightness and contrast, normalise.

Ours is what a fit uses: `ImageLoader` and the data module's `on_after_batch_transfer`. torchvision's is a data set that
makes one PIL picture a sample, as `torchvision.datasets.CIFAR10` does, and its transforms in a DataLoader whose workers
stay from turn to turn. kornia (`pip install -e '.[benchmarks]'`) transforms whole batches, gathered from pictures that
are float32 already. Last comes our part of a training step of a VGG 64-256-256 under bfloat16 autocast.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.input_peers import BRIGHTNESS, CONTRAST, PADDING, Kornia, Pictures, moved, torchvision_transform
from benchmarks.measure import by_turns, data_settings, parser, ratio, show, source_of, summarize, write
from benchmarks.overhead import vgg
from benchmarks.plain_loop import fused, sgd
from benchmarks.timer import CPU, wait_for
from core.code.installed import installs
from datamodules import CIFAR10DataModule
from datamodules.batches import ImageBatch
from datamodules.images.augmentation import Augmentation
from datamodules.images.classification import ImageClassificationDataModule
from engine.speed.allocator import keep_freed_memory

AUGMENTATIONS = {
    "crop": Augmentation(flip="random", crop_padding=PADDING),
    "colour": Augmentation(flip="random", brightness=255 * BRIGHTNESS, contrast=CONTRAST),
}


class Ours:
    """Epochs of our pipeline.

    Args:
        data: Its training split is what is read.
        images: How many of its pictures.
        device: Where they are prepared, and kept if there is room.
    """

    def __init__(self, data: ImageClassificationDataModule, images: int, device: torch.device = CPU) -> None:
        data.trainer = SimpleNamespace(  # all that a data module reads of a trainer
            training=True,
            current_epoch=0,
            world_size=1,
            global_rank=0,
            seed=0,
            channels_last=True,
            overfit_batches=0,
            strategy=SimpleNamespace(root_device=device),
            lightning_module=SimpleNamespace(dtype=torch.float32, takes_named_batches=True),
        )
        data.setup("fit")
        data.splits["train"] = data.splits["train"].take(torch.arange(min(images, len(data.splits["train"]))))
        self.data = data
        self.loader = data.train_dataloader()

    def epoch(self) -> Iterable[ImageBatch]:
        """Yields the batches of the next epoch."""
        self.loader.set_epoch(self.loader.epoch + 1)
        for batch in self.loader:
            yield self.data.on_after_batch_transfer(batch, 0)


def speed(epoch: Callable[[], Iterable], images: int, seconds: float, device: torch.device = CPU) -> float:
    """Returns images a second over as many whole epochs as fill some seconds."""
    wait_for(device)
    began, epochs = time.perf_counter(), 0
    while epochs == 0 or time.perf_counter() - began < seconds:
        for _ in epoch():
            pass
        wait_for(device)
        epochs += 1
    return epochs * images / (time.perf_counter() - began)


def contenders(
    data_dir: Path | None,
    case: str,
    batch_size: int,
    images: int,
    device: torch.device = CPU,
    processes: tuple[int, ...] = (0, 2),
) -> dict[str, Callable[[], Iterable]]:
    """Returns the contenders by name, each with the function that yields the batches of an epoch.

    Args:
        data_dir: Folder of CIFAR-10; synthetic pictures if not given.
        case: Key of AUGMENTATIONS.
        batch_size: Pictures a batch.
        images: Pictures an epoch, at most.
        device: Where the batches are to be.
        processes: Numbers of torchvision's workers to try.
    """
    data = CIFAR10DataModule(**data_settings(data_dir), batch_size=batch_size, augmentation=AUGMENTATIONS[case])
    ours = Ours(data, images, device)
    split = data.splits["train"]
    epochs = {"ours": ours.epoch}
    on_cpu = device.type == "cpu"
    for version in (1, 2):
        for workers in processes:
            loader = DataLoader(
                Pictures(split, torchvision_transform(case, version)),
                batch_size,
                shuffle=True,
                num_workers=workers,
                drop_last=True,
                persistent_workers=workers > 0,
                pin_memory=not on_cpu,
            )
            batches = loader.__iter__ if on_cpu else partial(moved, loader, device)
            epochs[f"torchvision_v{version}_{workers}_workers"] = batches
    try:
        epochs["kornia"] = Kornia(split, case, batch_size, device).epoch
    except ImportError:
        print(f"kornia is not installed: left out; {installs('benchmarks')}")
    return epochs


def share_of_a_step(ours: Ours, network: nn.Module, steps: int) -> float:
    """Trains some steps; returns the part of their time, in percent, that was spent on preprocessing."""
    optimizer = fused(sgd(p for p in network.parameters() if p.requires_grad))
    waited = 0.0
    batches = iter(ours.epoch())
    began = time.perf_counter()
    for _ in range(min(steps, len(ours.loader))):
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(network(batch.images).float(), batch.targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return 100 * waited / (time.perf_counter() - began)


def compare(
    epochs: dict[str, Callable[[], Iterable]], case: str, pairs: int, seconds: float, device: torch.device = CPU
) -> dict[str, dict]:
    """Measures the contenders of a case in turns.

    Args:
        epochs: The contenders.
        case: Its name, for what is printed.
        pairs: Turns.
        seconds: Least length of a turn.
        device: Where the batches are made.

    Returns:
        Images a second, and how many times ours makes.
    """
    images = sum(len(batch.targets) for batch in epochs["ours"]())
    runs = {name: partial(speed, epoch, images, seconds, device) for name, epoch in epochs.items()}
    figures = by_turns(runs, pairs, "images/s")
    results = {
        "images_per_second": {name: summarize(values) for name, values in figures.items()},
        "ours_of": {name: ratio(figures["ours"], values) for name, values in figures.items() if name != "ours"},
    }
    for name, values in results["ours_of"].items():
        show(f"{case}: ours, times {name}", values, 1)
    return results


def main(argv: list[str] | None = None) -> None:
    """Measures both cases and the training step, and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--batch_size", type=int, default=500, help="pictures a batch (default: %(default)s)")
    options.add_argument("--images", type=int, default=10_000, help="pictures an epoch, at most (default: %(default)s)")
    options.add_argument("--seconds", type=float, default=0.5, help="least length of a turn (default: %(default)s)")
    options.add_argument("--steps", type=int, default=4, help="training steps a turn (default: %(default)s)")
    arguments = options.parse_args(argv)
    keep_freed_memory()  # as the trainer does; all contenders get faster
    results: dict[str, dict] = {}
    for case in AUGMENTATIONS:
        print(case)
        epochs = contenders(arguments.data_dir, case, arguments.batch_size, arguments.images)
        results[case] = compare(epochs, case, arguments.pairs, arguments.seconds)

    print("part of a training step")
    network = vgg().to(memory_format=torch.channels_last)
    data = CIFAR10DataModule(
        **data_settings(arguments.data_dir), batch_size=arguments.batch_size, augmentation=AUGMENTATIONS["crop"]
    )
    ours = Ours(data, arguments.images)
    run = {"ours": lambda: share_of_a_step(ours, network, arguments.steps)}
    results["percent_of_a_training_step"] = summarize(by_turns(run, arguments.pairs, "%")["ours"])
    show("part of a training step, percent", results["percent_of_a_training_step"], 2)
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
