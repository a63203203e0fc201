"""Lightning's Trainer with what every run of this project has: guards, exact resume, and a record."""

import math
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import Callback, LightningDataModule, LightningModule
from pytorch_lightning.loggers import Logger, TensorBoardLogger
from pytorch_lightning.plugins import Precision

from core.code.known_code import add_to_list
from core.errors import InputError, RunFailed
from core.kept_arguments import KeepsArguments
from core.processes.hardware import choose_precision, device_type, leave_out_planned_attention
from core.terminal.library_warnings import ignore_library_warnings
from engine.runs.checkpoint_io import AtomicCheckpointIO
from engine.runs.run_folder import RunFolder
from engine.settings.error_sources import trainer_option_error
from engine.settings.recorded_config import Origin
from engine.settings.strategies import check_batch_norms, check_processes
from engine.settings.trainer_options import check_callbacks, check_monitors, check_options
from engine.speed.allocator import keep_freed_memory
from engine.speed.epoch_loop import EpochLoop
from engine.speed.idle_hooks import NoProfiler, skip_idle_hooks
from engine.training.builtin_callbacks import as_list, with_builtins
from engine.training.python_runs import classes_in_use, python_origin, seed_of_weights
from engine.training.stages import Stages


class Trainer(KeepsArguments, Stages):
    """Trains, measures and predicts, and keeps a run folder of what it fits.

    Takes all of Lightning's arguments; those below are added or differ. The callbacks of `callbacks/` are always there,
    with their defaults unless given; what is passed in `callbacks` and `logger` comes on top.

    Args:
        precision: Lightning's, or `auto`: bfloat16 autocast where the hardware computes it natively, else float32.
            The commands `predict` and `inspect` compute in float32 unless a flag gives another.
        devices: Number of devices of this machine, or a list of them; as many as `torchrun` or `srun` has started.
        logger: Loggers beside TensorBoard and the run's own record; False switches TensorBoard off.
        callbacks: Callbacks beside the built-in ones, or built-in ones with other settings.
        enable_progress_bar: Show the bar; the line an epoch stays.
        enable_checkpointing: Save checkpoints.
        enable_model_summary: Print Lightning's table of layers.
        num_sanity_val_steps: Validation batches to try before training.
        log_every_n_steps: Optimizer steps between the points that loggers get within an epoch.
        max_epochs: Epochs after which the run ends; -1 for no end, and 1,000 if neither this nor max_steps or max_time
            is given.
        max_steps: Optimizer steps after which the run ends, with a validation; -1 for no end.
        max_time: Time after which the run ends, as DD:HH:MM:SS or as a mapping such as `{hours: 2}`.
        limit_train_batches: Batches of an epoch to train on: a number such as 1, or a share such as 1.0.
        limit_val_batches: Likewise, of a validation.
        limit_test_batches: Likewise, of a test.
        limit_predict_batches: Likewise, of a prediction.
        default_root_dir: Folder in which `runs/` stands; the current one if not given.
        fast_loop: Use the faster training loop of `engine/speed`; false trains with Lightning's own loop, hooks,
            profiler and memory settings. The results are the same to the bit.
        seed: Seed of the data order, the augmentation and what a step draws.
        run_folder: Folder of this run; made when fitting begins if not given.
        run_name: Name under `runs/`; the model's class if not given.
    """

    def __init__(
        self,
        *,
        precision: Literal["auto"] | int | str | None = "auto",
        devices: list[int] | int | str = "auto",
        logger: Logger | Iterable[Logger] | bool | None = None,
        callbacks: list[Callback] | Callback | None = None,
        enable_progress_bar: bool | None = True,
        enable_checkpointing: bool | None = True,
        enable_model_summary: bool | None = False,
        num_sanity_val_steps: int | None = 0,
        log_every_n_steps: int | None = 50,
        default_root_dir: str | Path | None = None,
        max_epochs: int | None = None,
        max_steps: int = -1,
        max_time: dict[str, int] | str | timedelta | None = None,
        limit_train_batches: int | float | None = None,
        limit_val_batches: int | float | None = None,
        limit_test_batches: int | float | None = None,
        limit_predict_batches: int | float | None = None,
        fast_loop: bool = True,
        seed: int = 0,
        run_folder: RunFolder | None = None,
        run_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        limits = {
            "limit_train_batches": limit_train_batches,
            "limit_val_batches": limit_val_batches,
            "limit_test_batches": limit_test_batches,
            "limit_predict_batches": limit_predict_batches,
        }
        lengths = {"max_epochs": max_epochs, "max_steps": max_steps, "max_time": max_time}
        others = {"num_sanity_val_steps": num_sanity_val_steps, "log_every_n_steps": log_every_n_steps}
        options = kwargs | limits | lengths | others | {"precision": precision, "devices": devices}
        check_options(options)
        check_callbacks(as_list(callbacks))
        self.seed, self.run_name = seed, run_name
        self.run_folder = None if kwargs.get("fast_dev_run") else run_folder
        self.step_limit = math.inf if max_steps == -1 else max_steps
        self.saves_checkpoints = enable_checkpointing is not False
        self.given_callbacks = as_list(callbacks)  # also where a subclass gives them, or takes them by another name
        self._begin_records(logger)
        device = self._prepare_device(kwargs.get("accelerator", "auto"), fast_loop)
        kwargs["plugins"] = plugins = [AtomicCheckpointIO(), *as_list(kwargs.get("plugins"))]
        if fast_loop:
            kwargs["profiler"] = kwargs.get("profiler") or NoProfiler()
        try:
            with ignore_library_warnings():
                super().__init__(
                    precision=_chosen_precision(precision, plugins, device),
                    devices=devices,
                    logger=self._own_loggers or False,
                    callbacks=with_builtins(self.given_callbacks, bool(enable_progress_bar)),
                    enable_progress_bar=False,  # ours is a callback of its own
                    enable_checkpointing=True,  # False forbids Record's base class; see saves_checkpoints
                    enable_model_summary=bool(enable_model_summary),
                    default_root_dir=default_root_dir,
                    # Lightning cannot resume at an epoch's end once it counts steps itself: RunCheckpoint does.
                    max_epochs=-1 if max_epochs is None and max_steps != -1 else max_epochs,
                    max_time=max_time,
                    **limits,
                    **others,
                    **kwargs,
                )
        except Exception as error:  # such as a missing package, or a device that is not there
            raise trainer_option_error(error, options) from error
        check_processes(self)
        if fast_loop:
            self._take_fast_loop()

    def _begin_records(self, logger: Logger | Iterable[Logger] | bool | None) -> None:
        """Sets what records and loggers know before anything has run."""
        self.origin = Origin()  # of the command, if it runs this
        self._weights_seed: int | None = None  # with which the weights of a new run from Python were drawn
        self.epoch_validation: dict[str, float] = {}  # metrics of this epoch's latest validation; LoggedValues keeps it
        self._own_loggers = [item for item in as_list(logger) if not isinstance(item, bool)]
        self.loggers_without_settings = list(self._own_loggers)  # a tracker of ours has them from the start
        self.uses_tensorboard = logger is not False

    def _prepare_device(self, accelerator: Any, fast_loop: bool) -> str:
        """Sets what libraries do on the kind of device that an accelerator is; returns its name, such as `cuda`."""
        device = device_type(accelerator) if isinstance(accelerator, str) else "cpu"
        if device == "cpu" and fast_loop:
            keep_freed_memory()
        if device == "cuda":
            leave_out_planned_attention()
        self._may_be_channels_last = device != "mps"  # slower there, and not complete
        return device

    def _take_fast_loop(self) -> None:
        """Exchanges Lightning's loop over batches, and its calls of hooks that do nothing."""
        skip_idle_hooks(self.callbacks)
        loop = self.fit_loop.epoch_loop
        self.fit_loop.epoch_loop = EpochLoop(self, loop.min_steps, loop.max_steps)

    @property
    def estimated_stepping_batches(self) -> int | float:
        """Optimizer steps of the whole run; infinite where neither a limit nor the data tells them."""
        known = super().estimated_stepping_batches
        return self.step_limit if known == -1 else min(known, self.step_limit)  # -1: of data without a length

    def share_run_folder(self) -> None:
        """Tells every process the run's folder, if the first has made one: each saves checkpoints there."""
        if self.world_size > 1:
            path = self.strategy.broadcast(self.run_folder and str(self.run_folder.path))
            if path is not None:
                self.run_folder = self.run_folder or RunFolder(Path(path))

    def describe_origin(self) -> Origin:
        """Returns where the run in training comes from."""
        return self.origin if self.origin.command is not None else python_origin(self, self._weights_seed)

    def note_begun(self) -> None:
        """Notes what is trained, now that training begins; a run from Python makes its classes known as the user's."""
        self.note_trained()
        if self.origin.command is None and self.run_folder is not None and self.is_global_zero:
            add_to_list(classes_in_use(self))

    def track(self, logger: Logger) -> None:
        """Adds a logger."""
        self._own_loggers.append(logger)
        self.loggers = self._own_loggers

    def fit(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        datamodule: LightningDataModule | None = None,
        ckpt_path: str | Path | None = None,
        weights_only: bool | None = None,
    ) -> None:
        """Train a model, or continue a run.

        Args:
            model: The model.
            train_dataloaders: Loaders, or a data module in their place.
            val_dataloaders: Loaders, beside training loaders.
            datamodule: A data module.
            ckpt_path: Run folder or checkpoint to continue from. A trainer whose last fit was interrupted goes on with
                its run if none is given.
            weights_only: Unused: checkpoints are never unpickled.

        Raises:
            InputError: There is no data, or something about the run cannot be used.
        """
        if datamodule is None and train_dataloaders is None:
            raise InputError(f"Trainer.fit needs a data module or loaders beside {type(model).__name__}")
        check_monitors(self.callbacks, model)
        check_batch_norms(self)
        ckpt_path, own_folder = self.continued(ckpt_path, model)
        self.goes_on = ckpt_path is not None
        self.takes_up_run = self.goes_on or own_folder is not None
        if self.origin.command is None:
            self._weights_seed = None if ckpt_path else seed_of_weights(model, self.seed)
        if own_folder is not None:
            self.run_folder = None if self.fast_dev_run else own_folder
        elif self.run_folder is None and self.is_global_zero and not self.fast_dev_run:
            self.run_folder = own_folder = RunFolder.create(
                Path(self.default_root_dir), self.run_name or type(model).__name__.lower()
            )
        held = own_folder
        if self.run_folder is not None and self.is_global_zero and not self.run_folder.is_held:
            held = self.run_folder.hold()  # that an earlier fit has released
        self._open_board()
        try:
            super().fit(model, train_dataloaders, val_dataloaders, datamodule, ckpt_path, weights_only)
        except BaseException as error:
            if own_folder is not None and not self.has_trained and not isinstance(error, RunFailed):
                own_folder.discard()
                self.run_folder = None
            raise
        finally:
            if not self.fast_dev_run:  # whose loggers are Lightning's, which do nothing
                self.loggers = self._own_loggers
            if held is not None:
                held.release()

    def _open_board(self) -> None:
        """Logs to TensorBoard, too, as long as this fit lasts."""
        if self.uses_tensorboard and self.run_folder is not None:
            folder = self.run_folder.path / "tensorboard"
            board = TensorBoardLogger(folder, name="", version="", default_hp_metric=False)
            self.loggers = [*self._own_loggers, board]


def _chosen_precision(given: int | str | None, plugins: list[Any], device: str) -> int | str | None:
    """Returns what Lightning is told: for `auto` what suits the device, and nothing where a plugin says it."""
    if given != "auto":
        return given
    return None if any(isinstance(plugin, Precision) for plugin in plugins) else choose_precision(device)
