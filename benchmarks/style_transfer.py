"""Style transfer by optimization, compared with the form of PyTorch's neural-style tutorial.

    python -m benchmarks.style_transfer

Both take the layers of the tutorial (features before their ReLU, up to the fifth convolution) of one VGG-19 with
random weights, whose speed is that of trained ones, two drawn pictures, and L-BFGS. The tutorial's form is written
anew: losses are layers within the network, the picture is cut to its range before each look, and L-BFGS has torch's
history of 100. Ours is `fit` with everything on, with the history of `style_transfer.yaml`: in the precision that it
chooses for the processor, and in float32, in which the tutorial's form computes. The loss of both last pictures is
measured in float32, so that one sees what a lower precision costs. An iteration is one look at the picture and its
gradient. Speeds are iterations a second of CPU time, since others may share the machine; peaks are of a process each.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torchvision.models.vgg import cfgs, make_layers

from benchmarks.measure import by_turns, environment, on_a_terminal, parser, peak_memory, ratio, show, summarize, write
from datamodules import StylePicturesDataModule
from engine.trainer import Trainer
from lightning_modules import StyleTransfer

CONTENT, STYLE = ["conv2_2"], ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HISTORY = 20
MB = 1e6


class Scaled(nn.Module):
    """Scales pictures from 0 to 1 as the network expects them."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))

    def forward(self, picture: Tensor) -> Tensor:
        """Returns the scaled picture."""
        return (picture - self.mean) / self.std


class LossWithin(nn.Module):
    """Keeps how far what passes through is from a target, by the features or their Gram matrix."""

    def __init__(self, target: Tensor, described: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.described, self.target = described, described(target).detach()

    def forward(self, features: Tensor) -> Tensor:
        """Returns its input."""
        self.loss = mse_loss(self.described(features), self.target)
        return features


def gram(features: Tensor) -> Tensor:
    """Returns the Gram matrix of features, divided by their number."""
    rows = features.flatten(0, 1).flatten(1)
    return rows @ rows.T / rows.numel()


def convolutions() -> nn.Sequential:
    """Returns VGG-19's convolutions with weights that are the same every time."""
    torch.manual_seed(0)
    return make_layers(cfgs["E"])


def tutorial(size: int, iterations: int) -> list[float]:
    """Makes iterations in the tutorial's form; returns the CPU time at the end of each."""
    content, style = _pictures(size)
    network, losses = nn.Sequential(Scaled()), {"content": [], "style": []}
    name, block, number = "", 1, 0
    for layer in convolutions().eval().requires_grad_(False):
        if isinstance(layer, nn.Conv2d):
            number += 1
            name = f"conv{block}_{number}"
        elif isinstance(layer, nn.MaxPool2d):
            block, number = block + 1, 0
        network.append(nn.ReLU(inplace=False) if isinstance(layer, nn.ReLU) else layer)
        if isinstance(layer, nn.Conv2d):
            for kind, layers, picture, described in (
                ("content", CONTENT, content, nn.Identity()),
                ("style", STYLE, style, gram),
            ):
                if name in layers:
                    losses[kind].append(LossWithin(network(picture), described))
                    network.append(losses[kind][-1])
        if name == STYLE[-1]:
            break
    picture = content.clone().requires_grad_()
    optimizer, ends = torch.optim.LBFGS([picture]), []

    def closure() -> Tensor:
        with torch.no_grad():
            picture.clamp_(0, 1)
        optimizer.zero_grad()
        network(picture)
        loss = 1e6 * sum(one.loss for one in losses["style"]) + sum(one.loss for one in losses["content"])
        loss.backward()
        ends.append(time.process_time())
        return loss

    while len(ends) < iterations:
        optimizer.step(closure)
    return ends[:iterations]


def ours(size: int, iterations: int, precision: str = "auto", last_losses: list[float] | None = None) -> list[float]:
    """Makes iterations as the command does; returns the CPU time at the end of each.

    Args:
        size: Longer side of the pictures, in pixels.
        iterations: Looks at the picture.
        precision: The trainer's.
        last_losses: Takes the loss of the last picture, in float32.
    """
    ends = Ends()
    data = StylePicturesDataModule(source="synthetic", long_side=size, steps=iterations)
    with tempfile.TemporaryDirectory() as folder, on_a_terminal():
        weights = Path(folder, "vgg19.pth")
        torch.save(convolutions().state_dict(prefix="features."), weights)
        model = StyleTransfer(
            data.image_size,
            network=str(weights),
            content_layers=dict.fromkeys(CONTENT, 1.0),
            style_layers=dict.fromkeys(STYLE, 0.2),
            optimizer=lambda picture: torch.optim.LBFGS(
                picture, max_iter=1, history_size=HISTORY, tolerance_grad=0.0, tolerance_change=0.0
            ),
        )
        settings: dict[str, Any] = {"accelerator": "cpu", "devices": 1, "max_epochs": 1, "default_root_dir": folder}
        Trainer(callbacks=[ends], precision=precision, **settings).fit(model, datamodule=data)
        if last_losses is not None:
            measured = Trainer(precision="32-true", **settings).validate(model, datamodule=data, verbose=False)
            last_losses.append(measured[0]["val/loss"])
    return ends.times


def in_float32(size: int, iterations: int, last_losses: list[float] | None = None) -> list[float]:
    """Makes iterations as the command does in float32; returns the CPU time at the end of each."""
    return ours(size, iterations, "32-true", last_losses)


class Ends(pl.Callback):
    """Notes the CPU time at the end of every iteration."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        """Notes the time."""
        self.times.append(time.process_time())


WAYS = {"tutorial": tutorial, "ours": ours, "ours_in_float32": in_float32}


OURS = ("ours", "ours_in_float32")


def _pictures(size: int) -> list[Tensor]:
    """Returns the drawn content and style, from 0 to 1."""
    data = StylePicturesDataModule(source="synthetic", long_side=size)
    data.setup("fit")
    pictures = data.splits["train"].pictures
    return [pictures.content / 255, pictures.styles[0] / 255]


def speed(way: str, arguments: argparse.Namespace) -> float:
    """Returns iterations a CPU second, from the second on."""
    ends = WAYS[way](arguments.size, arguments.iterations)
    return (len(ends) - 1) / (ends[-1] - ends[0])


def last_loss(way: str, arguments: argparse.Namespace) -> float:
    """Returns the loss of the last picture of one of our ways, measured in float32."""
    losses: list[float] = []
    WAYS[way](arguments.size, arguments.iterations, last_losses=losses)
    return losses[0]


def peak(way: str, arguments: argparse.Namespace) -> float:
    """Returns the largest memory of a process that does nothing else, in megabytes."""
    command = [sys.executable, "-m", "benchmarks.style_transfer", "--peak", way, "--size", str(arguments.size)]
    command += ["--iterations", str(arguments.iterations)]
    return float(subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measures."""
    options = parser(__doc__, pairs=3)
    options.add_argument("--size", type=int, default=256, help="longer side of the pictures (default: %(default)s)")
    options.add_argument("--iterations", type=int, default=120, help="iterations a turn (default: %(default)s)")
    options.add_argument("--peak", choices=WAYS, help="print the peak memory of one way alone")
    arguments = options.parse_args()
    if arguments.peak:
        WAYS[arguments.peak](arguments.size, arguments.iterations)
        print(peak_memory() / MB)
        return
    figures = by_turns({way: lambda way=way: speed(way, arguments) for way in WAYS}, arguments.pairs, "/s", digits=3)
    peaks = {way: [peak(way, arguments)] for way in WAYS}
    results: dict[str, Any] = {
        "iterations_a_cpu_second": {way: summarize(values) for way, values in figures.items()},
        "speed_of_tutorial": {way: ratio(figures[way], figures["tutorial"]) for way in OURS},
        "peak_megabytes": {way: summarize(values) for way, values in peaks.items()},
        "peak_of_tutorial": {way: ratio(peaks[way], peaks["tutorial"]) for way in OURS},
        "loss_of_float32": ratio(*([last_loss(way, arguments)] for way in OURS)),
    }
    for name in ("speed_of_tutorial", "peak_of_tutorial"):
        for way in OURS:
            show(f"{name}/{way}", results[name][way])
    show("loss_of_float32", results["loss_of_float32"])
    write(__file__, results, arguments, "drawn pictures")


if __name__ == "__main__":
    main()
