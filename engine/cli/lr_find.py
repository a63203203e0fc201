"""The subcommand `lr_find`: a learning-rate range test, whose network is thrown away."""

import csv
import io
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, Timer
from pytorch_lightning.utilities import rank_zero_only

from callbacks import EarlyStopping, NaNGuard, Progress, Watch, ZeroGradients
from callbacks.media.rate_curve import RateCurve, draw_rate_curve, rate_curve
from callbacks.range_test import RangeTest
from callbacks.run_facts import facts, now, session
from core.errors import InputError, RunInterrupted
from core.files.atomic_files import write_atomically
from core.media import Figure
from core.media_files import encode
from core.summary import strict_json
from core.terminal.console import print_line
from core.terminal.printable import shown_path
from engine.cli.command import Command
from engine.cli.command import run as run_command
from engine.runs.run_folder import new_run_folder
from engine.settings.arguments import Arguments
from engine.settings.config_files import flatten
from engine.settings.recorded_config import config_file_text
from engine.trainer import Trainer
from engine.training.stages import Stages
from lightning_modules.tasks.task import Task

# Lightning's callbacks that ask for a validation or a logger, end a run, or save the network, which is thrown away
OF_RUNS = (LightningEarlyStopping, LearningRateMonitor, ModelCheckpoint, Timer)
SETTING = "model.optimizer.lr"  # where most configs have the learning rate


class LearningRateTest(Command):
    """Runs the test, and leaves its plot, its figures and its settings in `runs/lr_find/<config>/<time>/`.

    It is a run of the same data, network, optimizer, precision and seed as `fit` of these settings, but of no
    validation, schedule or checkpoint. (Lightning's own finder gives all parameter groups one rate, drops the
    callbacks that make steps repeatable, smooths over half of its steps, and takes the steepest slope over the rate
    instead of its logarithm, which is among the lowest rates.)
    """

    def add_arguments_to_parser(self, parser: Any) -> None:
        """Adds the options of the test."""
        super().add_arguments_to_parser(parser)
        parser.add_argument("--min_lr", type=float, default=1e-7, help="Learning rate of the first step.")
        parser.add_argument("--max_lr", type=float, default=10.0, help="Learning rate of the last step.")
        parser.add_argument("--steps", type=int, default=200, help="Number of steps, at least 20.")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Builds a trainer that does nothing but step.

        Raises:
            InputError: A setting does not fit a test.
        """
        settings = self.settings
        if settings.trainer.overfit_batches:
            raise InputError("--trainer.overfit_batches: lr_find is to see new batches at each step; leave it out")
        for option, is_given in (
            ("fast_dev_run", settings.trainer.fast_dev_run),
            ("limit_train_batches 0", settings.trainer.limit_train_batches == 0),
        ):
            if is_given:
                raise InputError(f"--trainer.{option}: lr_find makes as many steps as --steps says; leave it out")
        bar = settings.trainer.enable_progress_bar
        self._test = RangeTest(settings.min_lr, settings.max_lr, settings.steps, bar)
        # a step more than the test makes, so that it ends by itself, and a schedule has a length to ask for
        kwargs |= {"max_epochs": -1, "max_steps": settings.steps + 1, "max_time": None}
        kwargs |= {"min_epochs": None, "min_steps": None}
        kwargs |= {"limit_val_batches": 0, "enable_checkpointing": False, "logger": False}
        trainer = super().instantiate_trainer(**kwargs)
        # units may die at the largest rates, which says nothing about the network
        left_out = (Progress, ZeroGradients, *OF_RUNS)
        kept = [one for one in trainer.callbacks if isinstance(one, EarlyStopping) or not isinstance(one, left_out)]
        trainer.callbacks = [*kept, self._test]
        trainer.builtin(NaNGuard).enabled = False  # the test is to meet a loss that is not finite
        trainer.builtin(EarlyStopping).enabled = False
        watch = trainer.builtin(Watch)
        watch.graph = watch.inputs = watch.histograms = False
        return trainer

    def after_instantiate_classes(self) -> None:
        """Makes the folder, now that everything has been checked."""
        super().after_instantiate_classes()
        self.folder = new_run_folder(
            self.settings.run_dir, Path(self.trainer.default_root_dir), f"lr_find/{self.arguments.name}"
        )

    def lr_find(self, model: LightningModule, datamodule: LightningDataModule, *_: Any) -> None:
        """Makes the steps, and prints and writes what they show."""
        self._start_from_weights(trains=True)
        if isinstance(model, Task):
            model.make_schedule = None  # it may need the length of a run
        try:
            Stages.fit(self.trainer, model, datamodule=datamodule)  # the Trainer's own would make the folder of a run
            curve = rate_curve(self._test.rates, self._test.losses, self._test.diverged)
        except BaseException as error:
            if self.folder is not None:
                self.folder.discard()
                self.folder = None
            if isinstance(error, RunInterrupted):
                print_line("interrupted: nothing is kept of a test that has not ended; give the command again")
            raise
        if rank_zero_only.rank == 0:
            self._write(curve)
            self._print(curve)

    def _write(self, curve: RateCurve) -> None:
        test, path = self._test, self.folder.path
        title = f"{self.arguments.name}: {type(self.model).__name__}"
        figure = draw_rate_curve(curve, test.configured, title)
        write_atomically(path / "lr_find.png", encode(Figure(name="lr_find", step=0, figure=figure))[1])
        text = io.StringIO()
        rows = zip(curve.rates.tolist(), curve.losses.tolist(), curve.smooth.tolist(), strict=True)
        csv.writer(text, lineterminator="\n").writerows([("lr", "loss", "smooth_loss"), *rows])
        write_atomically(path / "lr_find.csv", text.getvalue())
        write_atomically(path / "settings.yaml", config_file_text(self.plain_config))
        record = {
            "suggested": curve.suggested,
            "lowest": curve.lowest,
            "longest": curve.longest,
            "rises": curve.rises,
            "configured": test.configured,
            "diverged": test.diverged,
            "min_lr": test.least,
            "max_lr": test.most,
            "steps": test.steps,
            "seed": self.trainer.seed,
            **facts(self.trainer, self.model),
            "session": session(self.trainer, self.model, self.arguments.typed),
            "ended": now(),
        }
        write_atomically(path / "lr_find.json", strict_json(record))

    def _print(self, curve: RateCurve) -> None:
        test = self._test
        end = f", and is several times that at {test.rates[-1]:.2g}" if test.diverged else ""
        rises = f"rises from {curve.longest:.2g}"
        if not curve.rises:
            rises = f"does not rise up to {curve.longest:.2g}"
            rises += "" if test.was_stopped else "; a higher --max_lr tells more"
        print_line(f"loss     falls fastest at {curve.steepest:.2g}, is lowest at {curve.lowest:.2g}, {rises}{end}")
        if test.was_stopped:
            print_line(
                f"ended    after {len(test.losses)} of {test.steps} steps, since a callback or the data ended it"
            )
        ratio = float(f"{curve.suggested / test.configured:.2g}")
        factor = f"{ratio:g} times the configured {test.configured:g}"
        known = flatten(self.plain_config).get(SETTING) == test.configured  # not where all groups have other rates
        print_line(f"suggest  {f'--{SETTING} ' if known else ''}{curve.suggested:g}, {factor}")
        print_line(f"plot     {shown_path(self.folder.path / 'lr_find.png')}")


def run(arguments: Arguments) -> None:
    """Runs a command line, as `engine.cli.command.run`."""
    run_command(arguments, LearningRateTest)
