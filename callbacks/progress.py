"""The progress of a run on the terminal: what trains on what, a bar, and a line an epoch."""

import math
import time
from collections.abc import Iterator
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.utilities.model_helpers import is_overridden
from tqdm import tqdm

from callbacks.description import describe_data, samples_per_batch, sizes_of, unit_of, weight_averaging
from callbacks.early_stopping import EarlyStopping
from callbacks.freeze import Freeze
from callbacks.logged_values import LoggedValues
from callbacks.monitored_value import Watcher, assumed_modes, unlogged_measures, values_of_one_process
from callbacks.step_seed import StepSeed
from core.durations import format_duration
from core.epochs import is_epoch_over
from core.errors import RunInterrupted
from core.measures import Measure, format_values, measures_of
from core.metric_rows import without_copies
from core.processes.hardware import hardware
from core.protocols.general import HasRunningFigures
from core.protocols.pictures import HasImages
from core.terminal.console import bar_is_hidden, print_line
from core.terminal.printable import shown_path
from lightning_modules.schedules import RunSchedule

REFRESH = 0.3  # seconds between looks at the running metrics, each of which waits for the device


class Progress(Checkpoint):
    """Prints what is trained on what, one bar, and a line an epoch that stays.

    (Its base class makes Lightning call it after the model has logged an epoch.) Epochs count from 0, as they do in
    `metrics.csv`, checkpoints and loggers.

    Args:
        bar: Show the bar, where there is a terminal to show it on.
    """

    def __init__(self, bar: bool = True) -> None:
        self.bar = bar
        self._has_validated = False
        self._of_one_process: set[str] = set()  # names of figures
        self._said: set[str] = set()  # of them
        self._tqdm: tqdm | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints the run's folder, data, model and device."""
        if trainer.run_folder is not None:
            print_line(f"run      {shown_path(trainer.run_folder.path)}")
        elif trainer.fast_dev_run:
            print_line("run      a trial (fast_dev_run), of which nothing is kept")
        for line in opening_lines(trainer, pl_module):
            print_line(line)
        resumed = trainer.builtin(StepSeed).resume_note(trainer)
        for note in (
            resumed,
            unused_validation(trainer, pl_module),
            end_before_steps(trainer),
            *assumed_modes(watchers_of(trainer), pl_module),
            *units_of_schedules(trainer),
        ):
            if note is not None:
                print_line(f"note     {note}")
        if trainer.optimizer_steps:
            print_line(f"resumed  at step {trainer.optimizer_steps:,}, epoch {trainer.current_epoch}")
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
            desc=f"epoch {trainer.current_epoch:>3}",
            disable=bar_is_hidden(self.bar and trainer.is_global_zero),
            leave=False,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} {elapsed}<{remaining}{postfix}",
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Moves the bar on."""
        if self._tqdm is None:  # a batch that is None is left out without a start
            self._open(trainer, batch_idx)
        if self._tqdm.disable:
            return
        now = time.monotonic()
        if now - self._looked >= REFRESH:
            self._looked = now
            self._tqdm.n = batch_idx + 1
            figures, speed = running_figures(trainer, pl_module), self._speed(trainer, batch_idx + 1, now)
            self._tqdm.set_postfix_str(f"{figures} {speed}".lstrip())

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps validation out of the training speed."""
        self._validation_began = time.monotonic()
        if self._tqdm is not None and not self._tqdm.disable:
            self._tqdm.n = trainer.fit_loop.epoch_loop.batch_progress.current.ready
            self._tqdm.set_postfix_str("validating")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps validation out of the training speed, and notes which figures are not of all samples."""
        if trainer.state.fn == "fit" and self._tqdm is not None:
            self._validation_seconds += time.monotonic() - self._validation_began
        self._of_one_process |= values_of_one_process(trainer, pl_module)
        if trainer.state.fn == "validate":
            self._say_what_is_of_one(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Closes the bar and prints the epoch's line, with a star if it is the best so far."""
        batches = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        speed = self._speed(trainer, batches, time.monotonic())
        self._close()
        metrics, measures = trainer.builtin(LoggedValues).of_epoch(trainer), measures_of(pl_module, *trainer.callbacks)
        validation = {name: value for name, value in metrics.items() if name in trainer.epoch_validation}
        training = {name: value for name, value in metrics.items() if name not in validation}
        of = f"/{trainer.max_epochs - 1}" if trainer.max_epochs and trainer.max_epochs > 0 else ""
        line = f"epoch {trainer.current_epoch:>3}{of}  {describe_epoch('train', training, measures)}"
        if validation:
            best = trainer.checkpoint_callback.best_epoch == trainer.current_epoch
            line += f"  {describe_epoch('val', validation, measures)}{' *' if best else '  '}"
        print_line(f"{line}  {speed}  {format_duration(time.monotonic() - self._began)}")
        if validation and not self._has_validated and (note := unlogged_measures(pl_module, metrics)):
            print_line(f"note     {note}")
        self._has_validated |= bool(validation)
        self._of_one_process |= values_of_one_process(trainer, pl_module)
        self._say_what_is_of_one(trainer)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Says which figures are not of all samples."""
        self._of_one_process |= values_of_one_process(trainer, pl_module)
        self._say_what_is_of_one(trainer)

    def _say_what_is_of_one(self, trainer: Trainer) -> None:
        """Prints once which figures are of the samples of one process."""
        if not (names := sorted(self._of_one_process - self._said)):
            return
        self._said.update(names)
        are = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
        print_line(f"note     {are} of one of {trainer.world_size} processes; self.log(..., sync_dist=True) takes all")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Closes the bar, and prints the line of an epoch after whose end the run was interrupted."""
        if self._tqdm is not None and isinstance(exception, RunInterrupted) and is_epoch_over(trainer):
            self.on_train_epoch_end(trainer, pl_module)
        self._close()

    def _close(self) -> None:
        if self._tqdm is not None:
            self._tqdm.close()
            self._tqdm = None

    def _speed(self, trainer: Trainer, batches: int, now: float) -> str:
        """Returns samples (or batches, of unknown size) a second of this epoch's training, over all devices."""
        size, seconds = samples_per_batch(trainer), now - self._epoch_began - self._validation_seconds
        speed = (batches - self._first_batch) * (size or 1) / max(1e-9, seconds)
        return f"{speed:,.0f} {'batches' if size is None else unit_of(trainer.datamodule)}/s"


def opening_lines(trainer: Trainer, pl_module: LightningModule) -> Iterator[str]:
    """Yields lines that say what is trained on what: data, model and device."""
    yield f"data     {describe_data(trainer.datamodule, sizes_of(trainer))}"
    parameters = sum(p.numel() for p in pl_module.parameters())
    trainable = trainer.builtin(Freeze).trainable(pl_module)
    fixed = "" if trainable == parameters else f", {trainable:,} of them trainable"
    yield f"model    {type(pl_module).__name__}, {parameters:,} parameters{fixed}"
    yield f"device   {describe_device(trainer, pl_module)}"
    if trainer.saves_checkpoints and (averaging := weight_averaging(trainer)):
        yield f"note     validation and checkpoints are of averaged weights ({averaging})"


def describe_device(trainer: Trainer, pl_module: LightningModule) -> str:
    """Returns what computes, and in which number format."""
    devices = f"{trainer.world_size} x " if trainer.world_size > 1 else ""
    layout = ", channels last" if trainer.channels_last and isinstance(trainer.datamodule, HasImages) else ""
    return f"{devices}{hardware(pl_module.device.type)}, {trainer.precision}{layout}"


def describe_epoch(part: str, figures: dict[str, float], measures: dict[str, Measure]) -> str:
    """Returns the figures of one part of an epoch, such as `val loss 1.234 acc 56.78%`.

    Args:
        part: `train` or `val`, which stands before the figures whose logged names begin with it; others keep theirs.
        figures: Values by logged name.
        measures: The model's measures by name.
    """
    begin = f"{part}/"
    own = {name.removeprefix(begin): value for name, value in figures.items() if name.startswith(begin)}
    others = {name: value for name, value in figures.items() if not name.startswith(begin)}
    texts = [f"{part} {format_values(own, measures)}"] if own else []
    return " ".join([*texts, format_values(others, {})] if others else texts)


def running_figures(trainer: Trainer, pl_module: LightningModule) -> str:
    """Returns the figures of the epoch so far; of another package's module what it logs for the progress bar."""
    if isinstance(pl_module, HasRunningFigures):
        return format_values(pl_module.running_figures(), measures_of(pl_module))
    return format_values(without_copies(trainer.progress_bar_metrics), {})


def unused_validation(trainer: Trainer, pl_module: LightningModule) -> str | None:
    """Returns in words that a model does not validate the data that there is, or has none; None if both are there."""
    has_step = is_overridden("validation_step", pl_module)
    has_data = trainer.fit_loop.epoch_loop.val_loop._data_source.is_defined()
    if has_data and not has_step:
        return f"{type(pl_module).__name__} has no validation_step: the validation data is not used"
    return "there is no validation data: validation_step is not used" if has_step and not has_data else None


def watchers_of(trainer: Trainer) -> dict[str, Watcher]:
    """Returns the callbacks that a monitored value matters to in this run, by the group of their options."""
    early = trainer.builtin(EarlyStopping)
    chooses = {"checkpoint": trainer.checkpoint_callback} if trainer.enable_validation else {}
    return chooses | ({"early_stopping": early} if early.enabled else {})


def units_of_schedules(trainer: Trainer) -> Iterator[str]:
    """Yields what schedules count that are not over the whole run: whoever means epochs would lower rates too early."""
    batches = trainer.num_training_batches
    steps = "" if batches == math.inf else f" ({math.ceil(batches / trainer.accumulate_grad_batches):,} an epoch)"
    for config in trainer.lr_scheduler_configs:
        if config.interval == "step" and not isinstance(config.scheduler, RunSchedule):
            lost = "; a resume within an epoch leaves one of its steps out" if config.reduce_on_plateau else ""
            yield f"{type(config.scheduler).__name__} counts optimizer steps{steps}{lost}"


def end_before_steps(trainer: Trainer) -> str | None:
    """Returns in words that the epochs end before the steps that are asked for; None if they do not."""
    epochs, steps, batches = trainer.max_epochs or -1, trainer.step_limit, trainer.num_training_batches
    if epochs < 0 or math.inf in (steps, batches):
        return None
    end = epochs * math.ceil(batches / trainer.accumulate_grad_batches)
    if end >= steps:
        return None
    early = f"--trainer.max_epochs {epochs} ends the run at step {end}, before --trainer.max_steps {steps}"
    return f"{early}; --trainer.max_epochs null does not"
