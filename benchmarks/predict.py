"""Images a second of `Trainer.predict` over a test set, compared with a plain forward pass over the same batches.

    python -m benchmarks.predict --data_dir DIR --mnist_dir DIR

Both compute probabilities in float32, in evaluation mode, without gradients, channels last. `cli.py predict`
calls `Trainer.predict`, which is timed as a whole; the plain pass normalises and stacks by itself.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.measure import by_turns, data_settings, parser, ratio, show, source_of, summarize, write
from benchmarks.overhead import vgg
from core.terminal.library_warnings import ignore_library_warnings
from datamodules import CIFAR10DataModule, MNISTDataModule
from datamodules.images.image_data_module import ImageDataModule
from engine.predicting.gathering import gather
from engine.speed.allocator import keep_freed_memory
from engine.trainer import Trainer
from lightning_modules import ModernLeNet5
from lightning_modules.tasks.image_classifier import ImageClassifier


class Case:
    """One network on one test set.

    Args:
        network: Makes the network.
        data: The data.
        images: Pictures of the test set, at most.
    """

    def __init__(self, network: Callable[[], ImageClassifier], data: ImageDataModule, images: int) -> None:
        data.setup("predict")
        data.splits["test"] = data.splits["test"].take(slice(images))
        self.network, self.data = network(), data
        self.images = len(data.splits["test"])

    def ours(self) -> float:
        """Predicts as the command does; returns images a second."""
        with tempfile.TemporaryDirectory() as folder, ignore_library_warnings():
            trainer = Trainer(precision="32-true", accelerator="cpu", devices=1, default_root_dir=folder)
            began = time.perf_counter()
            self.probabilities = gather(trainer.predict(self.network, datamodule=self.data), 1)
            return self.images / (time.perf_counter() - began)

    def raw(self) -> float:
        """Predicts in a plain loop; returns images a second."""
        network = self.network.to(memory_format=torch.channels_last).eval()
        split, size = self.data.splits["test"], self.data.eval_batch_size
        normalize = self.data.normalization
        began = time.perf_counter()
        outputs = []
        with torch.inference_mode():
            for start in range(0, self.images, size):
                images = normalize(split.images[start : start + size].float()).permute(0, 3, 1, 2)
                outputs.append(network(images).softmax(1))
            self.expected = torch.cat(outputs)
        return self.images / (time.perf_counter() - began)


def main(argv: list[str] | None = None) -> None:
    """Measures both cases and writes the record."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--mnist_dir", type=Path, help="folder of MNIST; synthetic pictures if not given")
    options.add_argument("--images", type=int, default=10_000, help="pictures a turn, at most (default: %(default)s)")
    options.add_argument("--only", nargs="+", help="names of cases")
    arguments = options.parse_args(argv)
    keep_freed_memory()  # as a trainer does, too late for the first turn of the plain pass
    settings, mnist = data_settings(arguments.data_dir), data_settings(arguments.mnist_dir)
    cases = {
        "vgg_bn": lambda: Case(vgg, CIFAR10DataModule(**settings), arguments.images),
        "lenet5": lambda: Case(lambda: ModernLeNet5(10, 1, 28), MNISTDataModule(**mnist), arguments.images),
    }
    results = {}
    for name in arguments.only or cases:
        print(name)
        case = cases[name]()
        figures = by_turns({"raw": case.raw, "ours": case.ours}, arguments.pairs, "images/s")
        torch.testing.assert_close(case.probabilities, case.expected)
        results[name] = {
            "images_per_second": {contender: summarize(values) for contender, values in figures.items()},
            "ours_of_raw": ratio(figures["ours"], figures["raw"]),
        }
        show(f"{name}: ours of raw", results[name]["ours_of_raw"])
    real = arguments.data_dir and arguments.mnist_dir
    write(__file__, results, arguments, source_of(real))


if __name__ == "__main__":
    main()
