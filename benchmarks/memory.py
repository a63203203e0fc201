"""Peak memory of `fit`, compared with what its data, its model and one batch need.

    python -m benchmarks.memory --data_dir DIR

Each turn trains in a process of its own, from cached data, and takes the most that was resident at any time (Linux's
VmHWM), less that of a second process that imports the modules which the first had at its end and builds nothing. It is
set against 2.2 times the uint8 data, and, once each: weights with averages and their gradients, optimizer state, and
what autograd keeps of one batch (counted in the training step by `saved_tensors_hooks`, each storage once).
"""

import atexit
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from benchmarks.measure import ROOT, by_turns, data_flags, parser, peak_memory, show, source_of, summarize, write

MB = 1e6
COPIES = 2.2  # of the data: what was read, what was split off it, and a little
SMALL = ("--model.widths", "[8,8,8]")
CASES = {  # settings beside those of vgg_bn.yaml
    "12,000 images, small network": ("--data.source", "synthetic", *SMALL),
    "12,000 images, vgg_bn": ("--data.source", "synthetic"),
    "60,000 images, small network": SMALL,
    "60,000 images, vgg_bn": (),
}


class Peak(Callback):
    """Records the memory a run needs by count, and at its end its peak and the modules that it imported.

    Args:
        path: JSON file for that.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.needs: dict[str, int] = {}

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Counts what autograd keeps for the first batch."""
        if self.needs:
            return
        known = {storage(value) for value in (*pl_module.parameters(), *pl_module.buffers())}
        kept = {storage(batch.images): batch.images}

        def keep(value: Tensor) -> Tensor:
            value = value.detach()  # a graph that holds its own outputs would never be freed
            if storage(value) not in known:
                kept[storage(value)] = value
            return value

        # a forward pass beside the run's own, whose memory is free again before that begins
        counting = torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value)
        with counting, trainer.precision_plugin.forward_context():
            pl_module.training_outputs(batch)
        self.needs["activations"] = sum(value.untyped_storage().nbytes() for value in kept.values())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Counts weights and the optimizer's state."""
        parameters = [*pl_module.parameters()]
        averages = [callback._average_model for callback in trainer.callbacks if hasattr(callback, "_average_model")]
        self.needs["weights"] = size([*parameters, *pl_module.buffers()])
        self.needs["averages"] = sum(size(average.parameters()) for average in averages if average is not None)
        self.needs["gradients"] = size(value for value in parameters if value.requires_grad)
        states = [state for optimizer in trainer.optimizers for state in optimizer.state.values()]
        values = [value for state in states for value in state.values() if isinstance(value, Tensor)]
        self.needs["optimizer"] = size(values)
        pixels = trainer.datamodule.in_channels * trainer.datamodule.image_size**2
        self.needs["data"] = sum(trainer.datamodule.sizes.values()) * pixels
        atexit.register(self._write)

    def _write(self) -> None:
        content = {"peak": peak_memory(), "needs": self.needs, "modules": sorted(sys.modules)}
        Path(self.path).write_text(json.dumps(content))


def storage(value: Tensor) -> int:
    """Returns a key of a tensor's memory."""
    return value.untyped_storage().data_ptr()


def size(tensors: Iterable[Tensor]) -> int:
    """Returns the bytes of some tensors."""
    return sum(value.nbytes for value in tensors)


IMPORTS = """
import importlib, json, sys
from benchmarks.measure import peak_memory
for name in json.load(open(sys.argv[1]))["modules"]:
    try:
        importlib.import_module(name)
    except Exception:  # what is made while running has no file
        pass
print(peak_memory())
"""


def measured(settings: Iterable[str], epochs: int) -> dict[str, Any]:
    """Trains once.

    Args:
        settings: Of the command.
        epochs: How many.

    Returns:
        `peak` of the run and of the `imports` alone, and `needs` by name, in bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "noted.json"
        command = ["cli.py", "fit", "--config", "vgg_bn.yaml", *settings, "--run_dir", f"{folder}/run"]
        command += ["--trainer.max_epochs", str(epochs), "--trainer.accelerator", "cpu", "--trainer.devices", "1"]
        command += ["--trainer.callbacks+=benchmarks.memory.Peak", f"--trainer.callbacks.path={noted}"]
        python(command)
        imports = int(python(["-c", IMPORTS, str(noted)]).split()[-1])
        content = json.loads(noted.read_text())
    return {"peak": content["peak"], "imports": imports, "needs": content["needs"]}


def python(words: list[str]) -> str:
    """Runs Python in a separate process in the project's folder; returns its output.

    Raises:
        RuntimeError: It failed.
    """
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


def allowed(needs: dict[str, int]) -> float:
    """Returns the bytes that a run may take beyond its imports."""
    return COPIES * needs["data"] + sum(value for name, value in needs.items() if name != "data")


def main(argv: list[str] | None = None) -> None:
    """Measures all cases in turns and writes the record."""
    options = parser(__doc__, pairs=3)
    options.add_argument("--data_dir", type=Path, help="folder of CIFAR-10; synthetic pictures if not given")
    options.add_argument("--epochs", type=int, default=1, help="length of a run (default: %(default)s)")
    options.add_argument("--only", nargs="+", help="names of cases")
    options.add_argument("--settings", default="", help="more settings of every run, in one string")
    arguments = options.parse_args(argv)
    real = data_flags(arguments.data_dir) if arguments.data_dir else None
    cases = {name: words for name, words in CASES.items() if real or "synthetic" in words}
    runs: dict[str, list[dict]] = {name: [] for name in arguments.only or cases}

    def run(name: str) -> float:
        words = [*(real or []), *cases[name], *arguments.settings.split()]
        runs[name].append(measured(words, arguments.epochs))
        return (runs[name][-1]["peak"] - runs[name][-1]["imports"]) / MB

    by_turns({name: lambda name=name: run(name) for name in runs}, arguments.pairs, "MB", warm_up=0)
    results = {}
    for name, turns in runs.items():
        beyond = [turn["peak"] - turn["imports"] for turn in turns]
        results[name] = {
            "megabytes": {
                "peak": summarize([turn["peak"] / MB for turn in turns]),
                "imports": summarize([turn["imports"] / MB for turn in turns]),
                "beyond_imports": summarize([value / MB for value in beyond]),
                "allowed": summarize([allowed(turn["needs"]) / MB for turn in turns]),
            },
            "needs_in_megabytes": {part: round(value / MB, 1) for part, value in turns[-1]["needs"].items()},
            "of_allowed": summarize([used / allowed(turn["needs"]) for used, turn in zip(beyond, turns, strict=True)]),
        }
        show(f"{name}: of what is allowed", results[name]["of_allowed"])
        print(f"  needs, MB: {results[name]['needs_in_megabytes']}")
    write(__file__, results, arguments, source_of(arguments.data_dir))


if __name__ == "__main__":
    main()
