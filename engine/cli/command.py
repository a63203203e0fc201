"""The command: LightningCLI with run folders, exact resume, weights to start from, and errors of one line."""

from functools import cached_property
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities import rank_zero_only

from callbacks.description import describe_checkpoint
from callbacks.exact_resume import saved_optimizer_steps
from callbacks.tensorboard_events import cut_events
from core.errors import InputError, RunFailed, RunInterrupted
from core.processes.signals import USER
from core.protocols.pictures import GeneratesPictures
from core.terminal.console import print_line
from core.terminal.library_warnings import ignore_library_warnings
from core.terminal.printable import shown_path
from engine.cli.early_checks import check_before_data
from engine.cli.lightning_cli import SubcommandCLI
from engine.cli.parser import LINKED
from engine.predicting import predictions
from engine.predicting.generated_pictures import check_request, make_pictures
from engine.runs.arguments_from_run import arguments_from_run
from engine.runs.checkpoint_of_run import check_checkpoint_fits, read_run_checkpoint
from engine.runs.pruning import prune_if_worse
from engine.runs.resume import begin_again, refuse_changes, why_not_recorded
from engine.runs.run_files import take_up_and_tell
from engine.runs.run_folder import RunFolder, new_run_folder
from engine.runs.slurm import job_id, note_job, requeue
from engine.runs.tracking import Names, check_tracking, finish_tracking, wandb_logger
from engine.settings.arguments import Arguments
from engine.settings.class_help import complete_class_help
from engine.settings.error_sources import Stage, input_error
from engine.settings.mistakes import Refused
from engine.settings.mixed_configs import notes_of_mixture
from engine.settings.ownership import missing_sizes, refuse_given_sizes
from engine.settings.recorded_config import Origin, plain_settings, recorded_config
from engine.settings.refused_values import with_place
from engine.settings.trust import may_send, note_own
from engine.trainer import Trainer
from engine.training import run_messages
from engine.weights.initial_weights import start_from
from engine.weights.notes import notes_without_weights


class Command(SubcommandCLI):
    """Runs one subcommand.

    Args:
        arguments: The command line.
        all_trainer_options: Show every option of the Trainer in the help.
    """

    def __init__(self, arguments: Arguments, all_trainer_options: bool = False) -> None:
        self.folder: RunFolder | None = None
        self.stage: Stage = "parsing"
        try:
            super().__init__(arguments, all_trainer_options)
            getattr(self, arguments.subcommand)(self.model, self.datamodule, self.settings.ckpt_path)
        except (Exception, KeyboardInterrupt) as error:
            if self.stage == "starting" and self.trainer.has_trained:
                self.stage = "running"
            finish_tracking(error)
            if self.folder is not None and self.stage != "running" and not isinstance(error, RunFailed):
                self.folder.discard()
            if isinstance(error, KeyboardInterrupt):
                raise
            refused = input_error(error, self.stage)
            if refused is None or isinstance(error.__cause__, Refused):  # which has its place
                raise
            raise InputError(with_place(str(refused), arguments.options)) from error
        finally:
            finish_tracking()
            if self.folder is not None:
                self.folder.release()

    def before_instantiate_classes(self) -> None:
        """Checks what can be checked before anything is built."""
        given = self.arguments.given
        for part in ("model", "data"):
            if self.settings.get(part) is None:
                reason = "; loaders that a model makes itself are not used" if part == "data" else ""
                raise InputError(f"the config names no {part}: it needs {part}: class_path: ...{reason}")
        refuse_given_sizes(self.settings, given, LINKED)
        self.checkpoint = None
        self.kept_steps: int | None = None  # of a run that goes on; what its loggers have of later ones is removed
        self.measured = self.settings.weights or "untrained"
        if self.arguments.checkpoint is not None:
            to_continue = self.arguments.subcommand == "fit"
            self.checkpoint = read_run_checkpoint(self.arguments.checkpoint, to_continue=to_continue)
            self.measured = describe_checkpoint(self.arguments.checkpoint, self.checkpoint)
            if not to_continue and "weights" in given:
                raise InputError("--weights: the checkpoint of --ckpt_path has weights of its own; give one of the two")
        if self.arguments.is_newest and self.arguments.subcommand != "fit":
            print_line(f"run      {shown_path(self.arguments.run)}")
        if self.arguments.subcommand == "fit" and self.arguments.run is not None:
            refuse_changes(self.arguments.run, self.plain_config, self.checkpoint, given)
            self.kept_steps = -1 if self.checkpoint is None else saved_optimizer_steps(self.checkpoint)
            if self.checkpoint is None:
                begin_again(self.arguments.run)
        elif self.arguments.run is None:
            for note in notes_of_mixture(self.arguments.configs, self.arguments.flagged, self.plain_config):
                print_line(note)
        weights = self.settings.weights
        if self.checkpoint is not None:  # which fits the run's own model
            weights = self.arguments.checkpoint if any(key.partition(".")[0] == "model" for key in given) else None
        begins = self.arguments.subcommand == "fit" and self.checkpoint is None
        checked = check_before_data(self.plain_config, weights, self.checkpoint, begins)
        self._weights = checked and checked.weights
        if checked:
            self._prepare_prediction(checked.model, checked.data)

    def _prepare_prediction(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Checks what is asked of a prediction, and tells the data; does nothing for other subcommands."""
        if self.arguments.subcommand != "predict":
            return
        settings = self.settings
        if isinstance(model, GeneratesPictures):
            check_request(model, settings.input, settings.output)
        else:
            predictions.prepare(model, datamodule, settings.input, settings.invert, settings.output)

    def instantiate_classes(self) -> None:
        """Builds data, model and trainer; what their constructors refuse is wrong input."""
        data = self.settings.data.get("init_args", {})
        taken = arguments_from_run(self.arguments.run, self.plain_config) if self.arguments.run else {}
        given = {name: data[name] for name in taken if name in data}
        if given:  # for this call only: the config, which is made plain before, stays as it was given
            for name in given:
                data[name] = taken[name]
            self.config_dump = plain_settings(self.parser, self.settings).values
        self.stage = "building"
        try:
            super().instantiate_classes()
        except Exception as error:
            if missing := missing_sizes(self.settings, LINKED):
                raise InputError(f"{missing}: {input_error(error, 'building')}") from error
            raise
        finally:
            for name, value in given.items():
                data[name] = value
        self.stage = "starting"
        if self.checkpoint is not None:
            check_checkpoint_fits(self.model, self.checkpoint, self.arguments.checkpoint)
            self.checkpoint = None  # Lightning reads it again, and memory need not hold it twice

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Builds the trainer, with the seed and the run's folder."""
        if self.tracked:
            check_tracking(self.tracking, self.arguments.flagged)
        kwargs |= {"seed": int(self.settings.seed_everything), "run_name": self.arguments.name}
        return super().instantiate_trainer(**kwargs)

    def after_instantiate_classes(self) -> None:
        """Makes or takes the run's folder, now that everything has been checked."""
        self._prepare_prediction(self.model, self.datamodule)
        run, fits, is_first = self.arguments.run, self.arguments.subcommand == "fit", rank_zero_only.rank == 0
        if run is not None:
            why_not = "" if fits else why_not_recorded(run, self.plain_config)
            self.folder = None if why_not else RunFolder(run)
            if why_not and is_first and self.arguments.subcommand in ("validate", "test"):
                print_line(f"note     not recorded in {shown_path(run)}, which {why_not}")
            if self.folder is not None and is_first:
                if fits:
                    self.folder.hold()
                take_up_and_tell(run, alone=fits)
                if self.kept_steps == -1:  # no checkpoint is loaded, from which the record would do it
                    cut_events(self.folder.path / "tensorboard", self.kept_steps)
        elif fits and not self.trainer.fast_dev_run:
            root = Path(self.trainer.default_root_dir)
            self.folder = new_run_folder(self.settings.run_dir, root, self.arguments.name)
            if is_first:
                note_job(self.folder.path, self.arguments.typed)
        self.trainer.run_folder, self.trainer.finds_record = self.folder, False
        if fits:
            prune_if_worse(self.trainer, self.settings.run_dir)
        if self.folder is not None and self.tracking != "off":
            told = self.folder.path, self.arguments.name, self.tracking, self.plain_config, Names.of(self.settings)
            self.trainer.track(wandb_logger(*told, self.kept_steps, is_own=may_send(self.arguments.limit)))

    @cached_property
    def plain_config(self) -> dict[str, Any]:
        """The merged config as it is recorded."""
        return recorded_config(self.plain_settings, LINKED)

    def _start_from_weights(self, trains: bool = False) -> None:
        """Loads the weights that a new run starts from, or that are used without a run."""
        if self.arguments.checkpoint is None:
            name, model, until = self.settings.weights, self.model, self.settings.features.until
            started = start_from(name, model, self.datamodule, self._weights, trains, until) if name else []
            self._weights = None  # which the run need not hold
            for line in started or notes_without_weights(model, until):
                print_line(line)

    def fit(self, model: LightningModule, datamodule: LightningDataModule, ckpt_path: str | None, **_: Any) -> None:
        """Trains, and prints the command to run next."""
        self._start_from_weights(trains=True)
        self.trainer.origin = Origin.of_command(self.arguments.typed, self.plain_config)
        if rank_zero_only.rank == 0:
            note_own(self.plain_config, None if self.folder is None or self.held_back else self.folder.path)
        try:
            self.trainer.fit(model, datamodule=datamodule, ckpt_path=ckpt_path)
        except RunInterrupted as error:
            run_messages.print_interrupted(self.trainer)
            if error.signum == USER and job_id() is not None and self.trainer.is_global_zero:
                print_line(requeue())
            raise
        except KeyboardInterrupt:
            if self.trainer.has_trained and self.folder is not None:
                run_messages.print_cut_off(self.trainer)
            raise
        if not self.trainer.has_begun:
            run_messages.print_nothing_left(self.trainer)
        run_messages.print_result(self.trainer, model, datamodule)

    def validate(self, model: LightningModule, datamodule: LightningDataModule, ckpt_path: str, **_: Any) -> None:
        """Measures on the validation split."""
        self._start_from_weights()
        self.stage = "measuring"
        self.trainer.validate(model, datamodule=datamodule, ckpt_path=ckpt_path, verbose=False)
        run_messages.print_metrics(self.trainer, model, datamodule, "val", self.measured)

    def test(self, model: LightningModule, datamodule: LightningDataModule, ckpt_path: str, **_: Any) -> None:
        """Measures on the test set."""
        self._start_from_weights()
        self.stage = "measuring"
        self.trainer.test(model, datamodule=datamodule, ckpt_path=ckpt_path, verbose=False)
        run_messages.print_metrics(self.trainer, model, datamodule, "test", self.measured)
        if self.folder is not None:
            print_line(f"results are in {shown_path(self.folder.path)}")

    def predict(self, model: LightningModule, datamodule: LightningDataModule, ckpt_path: str, **_: Any) -> None:
        """Classifies files or texts, or the test set; or continues texts, or makes pictures."""
        self._start_from_weights()
        self.stage = "measuring"
        if isinstance(model, GeneratesPictures):
            make_pictures(self.trainer, model, datamodule, ckpt_path, self.settings.output)
            return
        outputs = self.trainer.predict(model, datamodule=datamodule, ckpt_path=ckpt_path)
        predictions.conclude(self.trainer, model, datamodule, outputs, self.settings.output)


def run(arguments: Arguments, kind: type[Command] = Command) -> None:
    """Runs a command line.

    Args:
        arguments: The command line.
        kind: The class that runs its subcommand.

    Raises:
        InputError: Something in it cannot be used; no new run folder is left.
        RunFailed: The run diverged, or could not be saved.
        RunInterrupted: A signal ended it, after a checkpoint.
    """
    everything = "--help.trainer" in arguments.options
    arguments.options = ["--help" if word == "--help.trainer" else word for word in arguments.options]
    arguments.options = complete_class_help(arguments.options)
    with ignore_library_warnings():
        kind(arguments, everything)
