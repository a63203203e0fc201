"""Overhead of a step: `fit` with everything on, bare Lightning and a plain PyTorch loop on the same tensors and model.

    python -m benchmarks.overhead --mnist_dir DIR --data_dir DIR

Everything on: progress bar on a terminal, metrics, CSV, TensorBoard, checkpoints, NaN guard, early stopping. Each turn
trains one epoch (at most `--steps` steps) from scratch. Its figure is the median step, from the end of one batch to the
end of the next, since a shared machine stalls now and then; what logging adds, once in fifty steps, is given
separately. Without folders, synthetic pictures are used.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.measure import by_turns, data_settings, on_a_terminal, parser, ratio, show, source_of, summarize, write
from benchmarks.plain_loop import PlainLoop, fused, sgd
from benchmarks.timer import CPU, Timer
from callbacks import EarlyStopping
from core.terminal.library_warnings import ignore_library_warnings
from datamodules import CIFAR10DataModule, MNISTDataModule
from datamodules.batches import ImageBatch
from datamodules.images.augmentation import Augmentation
from datamodules.images.image_data_module import ImageDataModule
from engine.trainer import Trainer
from lightning_modules import MLP, VGG, ModernLeNet5
from lightning_modules.tasks.image_classifier import ImageClassifier


class RowLSTM(ImageClassifier):
    """Two LSTM layers that read a picture row by row; the last state is classified."""

    def __init__(self, num_classes: int, in_channels: int = 1, image_size: int = 28, hidden: int = 512) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_channels * image_size, hidden, num_layers=2, batch_first=True)
        self.classifier = nn.Linear(hidden, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of images [B, C, H, W]."""
        states, _ = self.lstm(images.permute(0, 2, 1, 3).flatten(2))  # [B, H, 512]
        return self.classifier(states[:, -1])


def vgg() -> VGG:
    """Returns a VGG of the sizes of `configs/vgg_bn.yaml`, 64-256-256."""
    return VGG(
        10,
        whiten=True,
        widths=[64, 256, 256],
        convolutions=[2, 2, 2],
        pool="first",
        norm_momentum=0.4,
        norm_scale=False,
        activation="gelu",
        initializer="identity",
        head="max",
        logit_scale=0.111,
    )


class Bare(pl.LightningModule):
    """A LightningModule with the least that Lightning needs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor:
        """Returns the loss."""
        return F.cross_entropy(self.network(batch.images).float(), batch.targets)

    def validation_step(self, batch: ImageBatch, batch_idx: int) -> None:
        """Is never called; Lightning warns of a data module whose validation has no step."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Returns the same optimizer as the others'."""
        return fused(sgd(self.network.parameters()))


class Case:
    """One network on one data set.

    Args:
        network: Makes the network.
        data: The data.
        precision: Lightning's name of it.
        steps: Steps an epoch, at most.
        device: What computes; it holds the pictures, too.
    """

    def __init__(
        self,
        network: Callable[[], ImageClassifier],
        data: ImageDataModule,
        precision: str,
        steps: int,
        device: torch.device = CPU,
    ) -> None:
        self.network, self.data, self.precision, self.device = network, data, precision, device
        self.logging: list[float] = []  # microseconds that a logged point adds to its step, turn by turn
        data.setup("fit")
        self.steps = min(steps, len(data.splits["train"]) // data.batch_size)

    def raw(self) -> float:
        """Trains in a plain loop over tensors in memory; returns steps a second."""
        loop = PlainLoop(self.network(), self.data, precision=self.precision, device=self.device)
        timer = Timer(self.device, self.steps)
        for step in range(self.steps):
            loop.step(step)
            timer.note()
        return timer.speed()

    def bare(self) -> float:
        """Trains with Lightning alone; returns steps a second."""
        timer = Timer(self.device, self.steps)
        with ignore_library_warnings():
            trainer = pl.Trainer(
                max_epochs=1,
                limit_train_batches=self.steps,
                limit_val_batches=0,
                precision=self.precision,
                accelerator=self.device.type,
                devices=1,
                callbacks=[timer],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.seed, trainer.channels_last = 0, True  # what our data modules read of a trainer
            trainer.fit(Bare(self.network().to(memory_format=torch.channels_last)), datamodule=self.data)
        return timer.speed()

    def full(self) -> float:
        """Trains as the command does, with everything on; returns steps a second."""
        timer = Timer(self.device, self.steps)
        with tempfile.TemporaryDirectory() as folder, on_a_terminal():
            model = self.network()
            model.make_optimizer = sgd
            trainer = Trainer(
                max_epochs=1,
                limit_train_batches=self.steps,
                precision=self.precision,
                accelerator=self.device.type,
                devices=1,
                callbacks=[timer, EarlyStopping(patience=3)],
                default_root_dir=folder,
            )
            trainer.fit(model, self.data)
        speed = timer.speed()
        # the timer comes before the record, which logs: the time goes to the step after
        logged = [timer.ends[step] - timer.ends[step - 1] for step in range(50, len(timer.ends), 50)]
        if logged and self.device.type == "cpu":  # elsewhere a step goes on after its end
            self.logging.append(1e6 * (statistics.median(logged) - 1 / speed))
        return speed


def make_cases(
    mnist: Callable[[], ImageDataModule],
    cifar10: Callable[..., ImageDataModule],
    steps: int,
    slow_steps: int = 6,
    device: torch.device = CPU,
) -> dict[str, Callable[[], Case]]:
    """Returns what makes each case, by name.

    Args:
        mnist: Makes the data of the small networks.
        cifar10: Makes that of the VGG, with its batch size and augmentation.
        steps: Steps an epoch, at most.
        slow_steps: The same for networks that take long on a CPU.
        device: What computes.
    """
    settings = {"batch_size": 500, "augmentation": Augmentation(flip="alternating", crop_padding=2)}
    return {
        "lenet5": lambda: Case(lambda: ModernLeNet5(10, 1, 28), mnist(), "32-true", steps, device),
        "mlp": lambda: Case(lambda: MLP(10, 1, 28), mnist(), "32-true", steps, device),
        "lstm": lambda: Case(lambda: RowLSTM(10), mnist(), "32-true", min(steps, slow_steps), device),
        "vgg_bn": lambda: Case(vgg, cifar10(**settings), "bf16-mixed", slow_steps, device),
    }


def compare(name: str, case: Case, pairs: int) -> dict[str, Any]:
    """Measures a case in turns.

    Args:
        name: Its name, for what is printed.
        case: The case.
        pairs: Turns.

    Returns:
        Steps a second, and how the contenders compare.
    """
    figures = by_turns({"raw": case.raw, "bare": case.bare, "full": case.full}, pairs, "steps/s")
    extra = [1e6 / full - 1e6 / bare for full, bare in zip(figures["full"], figures["bare"], strict=True)]
    results = {
        "steps_per_second": {contender: summarize(values) for contender, values in figures.items()},
        "microseconds_over_bare": summarize(extra),
        "bare_of_raw": ratio(figures["bare"], figures["raw"]),
        "full_of_raw": ratio(figures["full"], figures["raw"]),
    }
    if case.logging:
        results["microseconds_of_a_logged_point"] = summarize(case.logging[-pairs:])
    show(f"{name}: full of raw", results["full_of_raw"])
    show(f"{name}: bare of raw", results["bare_of_raw"])
    show(f"{name}: full over bare, microseconds a step", results["microseconds_over_bare"], 0)
    return results


def main() -> None:
    """Measures all cases and writes the record."""
    options = parser(__doc__)
    options.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--steps", type=int, default=400, help="steps a turn, at most")
    options.add_argument("--only", nargs="+", help="names of cases")
    arguments = options.parse_args()

    def mnist() -> MNISTDataModule:
        return MNISTDataModule(**data_settings(arguments.mnist_dir), batch_size=128)

    def cifar10(**settings: Any) -> CIFAR10DataModule:
        return CIFAR10DataModule(**data_settings(arguments.data_dir), **settings)

    cases = make_cases(mnist, cifar10, arguments.steps)
    results = {}
    for name in arguments.only or cases:
        print(name)
        results[name] = compare(name, cases[name](), arguments.pairs)
    write(__file__, results, arguments, source_of(arguments.mnist_dir and arguments.data_dir))


if __name__ == "__main__":
    main()
