"""Lightning's Trainer, called as in a notebook: which weights a call takes, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.loggers import Logger

from callbacks import Record
from callbacks.description import describe_checkpoint
from callbacks.tensorboard_events import cut_events
from core.errors import InputError, RunInterrupted
from core.files.home import from_home
from core.files.tensor_files import load_checkpoint
from core.processes.signals import interrupts_in_one_line
from core.run_layout import BEST, CHECKPOINTS
from core.terminal.console import print_line
from core.terminal.library_warnings import ignore_library_warnings
from engine.judges import hand_in_judge
from engine.processes.cluster import with_cluster
from engine.processes.peers import begin_together, lost_peers, meet
from engine.runs.checkpoint_contents import check_contents
from engine.runs.checkpoint_of_run import last_checkpoint
from engine.runs.resume import begin_again, check_continues_same_model
from engine.runs.run_files import take_up_and_tell
from engine.runs.run_folder import RunFolder
from engine.settings.recorded_config import Origin
from engine.settings.run_search import find_checkpoint, names_several
from engine.settings.trainer_options import check_number_format
from engine.training.connectors import CheckpointConnector, LoggerConnector, SignalConnector
from engine.training.fit_loop import FitLoop
from engine.training.measured_record import FittedModel, in_its_record
from engine.training.run_messages import how_it_was_interrupted, why_nothing_is_left
from engine.training.step_errors import check_measured, faults_in_one_line
from engine.training.trainer_queries import TrainerQueries

CheckpointPath = str | Path | None
IN_RUN = ("best", "last")


class Stages(TrainerQueries):
    """Runs the stages fit, validate, test and predict.

    `ckpt_path` is a checkpoint file, a run's folder, or `best` or `last` of the run that this trainer has trained. A
    measurement of the model that this trainer has trained takes its best checkpoint if no other is named. Figures are
    added to the record of the run that they are of, if this measurement is one of its model and data.
    """

    run_folder: RunFolder | None
    saves_checkpoints: bool
    origin: Origin
    loggers_without_settings: list[Logger]
    finds_record = True  # whether a measurement finds out whose record gets its figures; a command knows it
    _is_within_run = False  # whether the last fit has ended before its run was over, by an interrupt or an error
    _trained: FittedModel | None = None
    _measured_run: Path | None = None  # of the checkpoint that a measurement takes

    def __init__(self, **kwargs: Any) -> None:
        for name, value in with_cluster(kwargs).items():
            kwargs[name] = value
        super().__init__(**kwargs)  # in this form, by which the parser finds the options
        loggers, loop = self.loggers, self.fit_loop
        self._checkpoint_connector, self._logger_connector = CheckpointConnector(self), LoggerConnector(self)
        self._logger_connector.configure_logger(loggers)
        self._signal_connector = SignalConnector(self)
        self.fit_loop = FitLoop(self, loop.min_epochs, loop.max_epochs)
        self.fit_loop.epoch_loop = loop.epoch_loop

    def _run(self, model: LightningModule, *arguments: Any, **options: Any) -> Any:
        """Runs a call's stages, once its processes are connected.

        Raises:
            InputError: The model cannot be computed in the number format.
        """
        check_number_format(self.precision, model)
        self.datamodule = self._data_connector._datahook_selector.datamodule  # of this call, not of an earlier one
        meet(self)
        return super()._run(model, *arguments, **options)

    def _run_stage(self) -> Any:
        """Runs a stage, a fit once it is sure that its checkpoints can be read again and loggers know its settings.

        It also ends a run that was killed after its last checkpoint, before its end was over.
        """
        begin_together(self)
        hand_in_judge(self)
        if self.training:
            if self.saves_checkpoints:
                check_contents(self)
            if self.goes_on:  # the model has the weights of the run, even if nothing is left to train
                self.note_trained()
            if self.enable_autolog_hparams and not self.fast_dev_run:
                settings = self.origin.settings or self.lightning_module.hparams_initial
                for logger in self.loggers_without_settings:
                    logger.log_hyperparams(dict(settings))
        finds_record = self.finds_record and self.state.fn in ("test", "validate")
        with in_its_record(self, self._trained, self._measured_run) if finds_record else nullcontext():
            results = super()._run_stage()
            check_measured(self)
        record = self.builtin(Record)
        is_over = self.training and not record.has_begun and self.fit_loop.skip
        if is_over and self.checkpoint_callback.optimizer_steps(self) and record.owes_an_end(self):
            self.fit_loop.on_run_start()
            self.fit_loop.on_run_end()
        return results

    def note_trained(self) -> None:
        """Notes what this trainer trains: measurements of it take its best checkpoint, and are in its run's record."""
        self._trained = FittedModel(self.lightning_module, self.datamodule)

    @contextmanager
    def _in_one_line(self, measuring: bool = False) -> Iterator[None]:
        """Makes what ends a stage one line each, without the warnings of libraries."""
        with ignore_library_warnings(measuring), interrupts_in_one_line(), faults_in_one_line(self), lost_peers(self):
            yield

    def fit(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        datamodule: LightningDataModule | None = None,
        ckpt_path: CheckpointPath = None,
        weights_only: bool | None = None,
    ) -> None:
        """Trains, and says how to go on if nothing is left to do, or if the run is interrupted.

        Raises:
            RunInterrupted: A signal has come, and the state is saved.
        """
        record = self.builtin(Record)
        began, batches = record._fit_began, self.fit_loop.epoch_loop.batch_progress.total
        if ckpt_path is None and record.has_begun and self.checkpoint_callback.stop(self) is not None:
            print_line(why_nothing_is_left(self))  # where Lightning would train one more batch or epoch
            return
        processed = batches.processed  # of which a fit makes more, or takes over those of a checkpoint
        try:
            with self._in_one_line():
                super().fit(model, train_dataloaders, val_dataloaders, datamodule, ckpt_path, weights_only)
        except BaseException as error:
            self._is_within_run |= batches.processed != processed
            if isinstance(error, RunInterrupted):
                error.args = (how_it_was_interrupted(self),)
            raise
        self._is_within_run = False
        if record._fit_began == began and self.origin.command is None:
            print_line(why_nothing_is_left(self))

    def validate(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        ckpt_path: CheckpointPath = None,
        verbose: bool = True,
        datamodule: LightningDataModule | None = None,
        weights_only: bool | None = None,
    ) -> Any:
        """Measures on the validation split, as Lightning's `validate`.

        Raises:
            InputError: There is no such checkpoint.
        """
        ckpt_path = self._checkpoint("validate", model, ckpt_path)
        with self._in_one_line(measuring=True):
            return super().validate(model, dataloaders, ckpt_path, verbose, datamodule, weights_only)

    def test(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        ckpt_path: CheckpointPath = None,
        verbose: bool = True,
        datamodule: LightningDataModule | None = None,
        weights_only: bool | None = None,
    ) -> Any:
        """Measures on the test set, as Lightning's `test`.

        Raises:
            InputError: There is no such checkpoint.
        """
        ckpt_path = self._checkpoint("test", model, ckpt_path)
        with self._in_one_line(measuring=True):
            return super().test(model, dataloaders, ckpt_path, verbose, datamodule, weights_only)

    def predict(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        datamodule: LightningDataModule | None = None,
        return_predictions: bool | None = None,
        ckpt_path: CheckpointPath = None,
        weights_only: bool | None = None,
    ) -> Any:
        """Predicts, as Lightning's `predict`.

        Raises:
            InputError: There is no such checkpoint.
        """
        ckpt_path = self._checkpoint("predict", model, ckpt_path)
        with self._in_one_line(measuring=True):
            return super().predict(model, dataloaders, datamodule, return_predictions, ckpt_path, weights_only)

    def continued(self, ckpt_path: CheckpointPath, model: LightningModule) -> tuple[Path | None, RunFolder | None]:
        """Returns the checkpoint from which a fit resumes, and the folder of its run if `ckpt_path` names it.

        A fit without `ckpt_path` resumes the run that this trainer has begun and not ended, if there is one.

        Raises:
            InputError: There is no such checkpoint, or another process has the run.
        """
        if ckpt_path is None:
            if not self._is_within_run:
                return None, None
            check_continues_same_model(self._trained.model, model)
            return last_checkpoint(self), None
        if str(ckpt_path) in IN_RUN:
            return self._of_this_run(str(ckpt_path)), None
        several = names_several(str(ckpt_path))
        path, run = find_checkpoint(str(ckpt_path), "fit")
        if not (several or from_home(ckpt_path).is_dir()):
            return path, None
        if path is None:
            begin_again(run)
        folder = RunFolder(run or path.parent.parent)
        if self.is_global_zero:
            folder.hold()
            take_up_and_tell(folder.path, alone=True)
            if path is None:  # no checkpoint is loaded, from which the record would do it
                cut_events(folder.path / "tensorboard", -1)
        return path, folder

    def _checkpoint(self, subcommand: str, model: LightningModule | None, given: CheckpointPath) -> Path | None:
        """Returns the checkpoint that a measurement takes, None for the weights as they are; says which."""
        self._measured_run = None
        if given is None:
            is_trained = self._trained is not None and (model is None or model is self._trained.model)
            if not is_trained or not self._has(BEST):
                return None
        if given is None or str(given) in IN_RUN:
            path = self._of_this_run(str(given or "best"))
            self._measured_run = self.run_folder.path.resolve()
        else:
            several = names_several(str(given))
            path, self._measured_run = find_checkpoint(str(given), subcommand)
            if not (several or from_home(given).is_dir()):
                return path
        print_line(f"weights  {describe_checkpoint(path, load_checkpoint(path))}")
        return path

    def _of_this_run(self, name: str) -> Path:
        if not self._has(f"{name}.ckpt"):
            raise InputError(f"ckpt_path={name!r}: this trainer has trained no run; name a run's folder or a file")
        return self.run_folder.path / CHECKPOINTS / f"{name}.ckpt"

    def _has(self, name: str) -> bool:
        return self.run_folder is not None and (self.run_folder.path / CHECKPOINTS / name).is_file()
