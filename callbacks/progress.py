"""What a person who watches sees of a run."""

import time
from math import nan
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from tqdm import tqdm

from callbacks.freeze import Freeze
from callbacks.record import metrics_of_epoch
from core.console import format_duration, print_line
from core.hardware import hardware
from core.measures import Measure, format_values, measures_of

PARTS = {"val": "validation", "test": "test"}
REFRESH = 0.3  # seconds between looks at the running metrics, each of which waits for the device


class Progress(Checkpoint):
    """Prints what is trained on what, one bar, and a line an epoch that stays.

    (Its base class makes Lightning call it after the model has logged an epoch.)

    Args:
        bar: Show the bar, where there is a terminal to show it on.
    """

    def __init__(self, bar: bool = True) -> None:
        self.bar = bar
        self._tqdm: tqdm | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints the run's folder, data, model and device."""
        if trainer.run_folder is not None:
            print_line(f"run      {trainer.run_folder.path}")
        print_line(f"data     {describe_data(trainer.datamodule)}")
        parameters = sum(p.numel() for p in pl_module.parameters())
        trainable = trainer.builtin(Freeze).trainable(pl_module)
        fixed = "" if trainable == parameters else f", {trainable:,} of them trainable"
        print_line(f"model    {type(pl_module).__name__}, {parameters:,} parameters{fixed}")
        print_line(f"device   {describe_device(trainer, pl_module)}")
        if trainer.optimizer_steps:
            print_line(f"resumed  at step {trainer.optimizer_steps:,}, epoch {trainer.current_epoch + 1}")
        self._began = time.monotonic()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Opens the epoch's bar."""
        self._open(trainer, 0)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Opens the bar of an epoch that is resumed in its middle."""
        if self._tqdm is None:
            self._open(trainer, batch_idx)

    def _open(self, trainer: Trainer, batch_idx: int) -> None:
        self._epoch_began = self._looked = time.monotonic()
        self._first_batch = batch_idx
        self._validation_seconds = 0.0
        total = trainer.num_training_batches
        self._tqdm = tqdm(
            total=total,
            initial=batch_idx,
            desc=f"epoch {trainer.current_epoch + 1:>3}",
            disable=None if self.bar and trainer.is_global_zero else True,  # None: only on a terminal
            leave=False,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} {elapsed}<{remaining}{postfix}",
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Moves the bar on."""
        if self._tqdm.disable:
            return
        now = time.monotonic()
        if now - self._looked >= REFRESH:
            self._looked = now
            figures = format_values(pl_module.train_metrics.so_far(), measures_of(pl_module))
            self._tqdm.n = batch_idx + 1
            speed = f"{self._speed(trainer, batch_idx + 1, now):,.0f} {trainer.datamodule.unit}/s"
            self._tqdm.set_postfix_str(f"{figures} {speed}")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps validation out of the training speed."""
        self._validation_began = time.monotonic()
        if self._tqdm is not None and not self._tqdm.disable:
            self._tqdm.n = trainer.fit_loop.epoch_loop.batch_progress.current.ready
            self._tqdm.set_postfix_str("validating")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps validation out of the training speed."""
        if trainer.state.fn == "fit" and self._tqdm is not None:
            self._validation_seconds += time.monotonic() - self._validation_began

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Closes the bar and prints the epoch's line, with a star if it is the best so far."""
        batches = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        speed = self._speed(trainer, batches, time.monotonic() - self._validation_seconds)
        self._close()
        metrics, measures = metrics_of_epoch(trainer), measures_of(pl_module)
        of = f"/{trainer.max_epochs}" if trainer.max_epochs and trainer.max_epochs > 0 else ""
        line = f"epoch {trainer.current_epoch + 1:>3}{of}  {_pair('train', metrics, measures)}"
        if any(name.startswith("val/") for name in metrics):
            keeper = trainer.checkpoint_callback  # will save the epoch next, or has within it
            best = keeper.best_epoch == trainer.current_epoch or keeper.improves(metrics.get(keeper.monitor, nan))
            line += f"  {_pair('val', metrics, measures)}{' *' if best else '  '}"
        print_line(
            f"{line}  {speed:,.0f} {trainer.datamodule.unit}/s  {format_duration(time.monotonic() - self._began)}"
        )

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Closes the bar."""
        self._close()

    def _close(self) -> None:
        if self._tqdm is not None:
            self._tqdm.close()
            self._tqdm = None

    def _speed(self, trainer: Trainer, batches: int, now: float) -> float:
        """Returns samples a second in this epoch, over all devices."""
        samples = (batches - self._first_batch) * trainer.train_dataloader.batch_size
        return samples / max(1e-9, now - self._epoch_began)


def describe_data(data: Any) -> str:
    """Returns the data's name, source and split sizes."""
    sizes = data.sizes
    validation, test = (f"{sizes[part]:,} {name}" if sizes[part] else f"no {name}" for part, name in PARTS.items())
    source = (
        f"SYNTHETIC {data.stand_in} in place of {data.name}"
        if data.source == "synthetic"
        else f"{data.name} from {data.origin}"
    )
    return f"{source}: {sizes['train']:,} training, {validation}, {test} {data.unit}"


def describe_device(trainer: Trainer, pl_module: LightningModule) -> str:
    """Returns what computes, and in which number format."""
    devices = f"{trainer.world_size} x " if trainer.world_size > 1 else ""
    layout = ", channels last" if trainer.channels_last and trainer.datamodule.is_image else ""
    return f"{devices}{hardware(pl_module.device.type)}, {trainer.precision}{layout}"


def _pair(part: str, metrics: dict[str, float], measures: dict[str, Measure]) -> str:
    begin = f"{part}/"
    figures = {name.removeprefix(begin): value for name, value in metrics.items() if name.startswith(begin)}
    return f"{part} {format_values(figures, measures)}"
