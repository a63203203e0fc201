"""Where a training step makes the program wait for the GPU, by torch's own watch over such calls."""

import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.gpu_parts.configured import Configured
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import ROOT, on_a_terminal

FIRST, STEPS = 20, 16  # steps before, and those that are watched
SMALL = "--model.widths [8,8,8] --data.batch_size 20"
CONFIGS = {  # settings, and those that make it tiny; None where that would still take long on a CPU
    "speedrun": ("", SMALL),
    "vgg_bn": ("", SMALL),
    "resnet18_gpu": ("", None),
    "char_rnn": ("--data.batch_size 16 --data.steps 50", "--model.hidden 8"),
    "folk_tunes": ("--data.batch_size 8", "--model.width 16"),
    "text_rnn": ("", "--model.hidden 8"),
    "bag_of_ngrams": ("", ""),
    "translate": ("", "--data.batch_tokens 200 --model.width 16 --model.hidden 16"),
    "word_vectors": ("", ""),
}
SAID = "synchronizing CUDA operation"


class Watch(Callback):
    """Counts by place in the code how often the program waits for the GPU in some steps.

    Attributes:
        places: Number of waits by file, line and function: the innermost of this project, else of any library.
        steps: Steps that were watched.
    """

    def __init__(self, first: int, steps: int) -> None:
        self.first, self.number = first, steps
        self.places: Counter[str] = Counter()
        self.steps = 0
        self._done = 0
        self._watching: ExitStack | None = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Begins and ends to watch."""
        if self._watching is not None:
            self.steps += 1
        if self._done == self.first:
            self._watching = ExitStack()
            self._watching.enter_context(warnings.catch_warnings())
            warnings.simplefilter("always")
            warnings.showwarning = self._note
            if pl_module.device.type == "cuda":
                torch.cuda.set_sync_debug_mode("warn")
                self._watching.callback(torch.cuda.set_sync_debug_mode, "default")
        elif self._done == self.first + self.number:
            self.stop()
        self._done += 1

    def on_train_end(self, *_: Any) -> None:
        """Ends to watch a run that is short."""
        self.stop()

    def stop(self) -> None:
        """Ends to watch."""
        if self._watching is not None:
            self._watching.close()
            self._watching = None

    def _note(self, message: Warning | str, *_: Any, **__: Any) -> None:
        if SAID in str(message):
            self.places[place()] += 1


def place() -> str:
    """Returns where the program is: in this project, else in Lightning, else anywhere."""
    frames = [frame for frame in reversed(traceback.extract_stack()) if frame.filename != __file__]
    for folder in (ROOT, Path(pl.__file__).parent):
        for frame in frames:
            path = Path(frame.filename)
            if path.is_relative_to(folder) and "site-packages" not in str(path.relative_to(folder)):
                return f"{path.relative_to(folder.parent if folder != ROOT else ROOT)}:{frame.lineno} {frame.name}"
    return f"{frames[0].filename}:{frames[0].lineno} {frames[0].name}"


def measure(settings: Settings, found: Findings) -> None:
    """Watches some steps of several configs on synthetic data."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (flags, tiny) in CONFIGS.items():
            if settings.quick and tiny is None:
                continue
            words = [*settings.flags, "--trainer.default_root_dir", folder, "--data.source", "synthetic"]
            words += ["--trainer.limit_val_batches", "0", *flags.split()]
            words += tiny.split() if settings.quick else []
            first, steps = (1, 1) if settings.quick else (FIRST, STEPS)
            watch = Watch(first, steps)
            try:
                built = Configured(f"{name}.yaml", words).build(0, watch, max_steps=first + steps + 1, max_epochs=None)
                with on_a_terminal():
                    built.trainer.fit(built.model, datamodule=built.datamodule)
            except Exception as error:  # the other configs still tell something
                found.note(**{name: {"error": f"{type(error).__name__}: {error}"}})
                print(f"  {name}: {type(error).__name__}: {error}", flush=True)
                continue
            finally:
                watch.stop()
            waits = sum(watch.places.values()) / max(1, watch.steps)
            found.note(**{name: {"waits_a_step": waits, "places": dict(watch.places.most_common())}})
            print(f"  {name}: {waits:.2f} waits a step: {dict(watch.places.most_common(6))}", flush=True)
