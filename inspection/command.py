"""The subcommand `inspect RUN`: what a trained network has learned, as pictures and one page."""

from typing import Any

from pytorch_lightning import LightningModule

from callbacks.description import describe_data
from callbacks.exact_resume import saved_optimizer_steps
from core.errors import InputError
from core.files.home import from_home
from core.files.outputs import check_output_folder
from core.files.tensor_files import load_checkpoint
from core.protocols.passages import ContinuesSymbols, GivesPassages
from core.protocols.pictures import InvertsInputs
from core.run_layout import is_run
from core.terminal.console import print_line
from core.terminal.printable import shown_path
from datamodules.base.data_module import DataModule
from datamodules.base.sample_data_module import SampleDataModule
from engine.cli.command import Command
from engine.cli.command import run as run_command
from engine.predicting.predictions import describe_unread
from engine.restored_model import attach, restore
from engine.settings.arguments import Arguments
from engine.trainer import Trainer
from inspection.catalogue import VIEWS
from inspection.page import PAGE, Views, write_inspection
from inspection.subject import Subject, is_classifier
from inspection.views import NotShown

PARTS = ("val", "test", "train")
INTO = "classifiers of pictures, texts or points, and language models"


class Inspection(Command):
    """Looks into the network of a run: `--ckpt_path`, or `--config` with `--weights`."""

    def add_arguments_to_parser(self, parser: Any) -> None:
        """Adds what is looked at, and where it goes."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--input",
            nargs="+",
            default=[],
            help="Pictures, folders of them, or texts that are looked at; some of the part if none.",
        )
        parser.add_argument("--invert", action="store_true", help="Look at the negatives of the pictures of --input.")
        parser.add_argument(
            "--part",
            type=str | None,
            default=None,
            help="Part of the data that is looked at: val, test or train; the first of these that there is.",
        )
        parser.add_argument(
            "--only",
            type=list[str] | str | None,
            default=None,
            help=f"Views, such as filters,neighbours, of {', '.join(VIEWS)}.",
        )
        parser.add_argument(
            "--output", type=str | None, default=None, help="Folder for page and pictures; RUN/inspect if not given."
        )

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Builds a trainer of one device."""
        kwargs |= {"devices": 1, "strategy": "auto", "num_nodes": 1, "logger": False}
        return super().instantiate_trainer(**kwargs)

    def before_instantiate_classes(self) -> None:
        """Checks what is asked for, as far as no model is needed for it."""
        settings = self.settings
        asked = settings.only.split(",") if isinstance(settings.only, str) else settings.only
        self._only = None if asked is None else list(dict.fromkeys(name.strip() for name in asked))
        for name in [""] if self._only == [] else self._only or []:
            if name not in VIEWS:
                raise InputError(f"--only {name}: there is no such view; there are {', '.join(VIEWS)}")
        if settings.part not in (None, *PARTS):
            raise InputError(f"--part {settings.part}: there are {', '.join(PARTS)}")
        if settings.output == "":
            raise InputError("--output : name a folder, such as inspect")
        self._output = settings.output or (self.arguments.run and self.arguments.run / "inspect")
        if not self._output:
            raise InputError("--output: name a folder for the page; there is no run whose folder could have it")
        if is_run(check_output_folder(str(self._output))):
            raise InputError(f"--output {self._output}: is the folder of a run, which stays as it is; choose another")
        super().before_instantiate_classes()

    def after_instantiate_classes(self) -> None:
        """Checks that there is something to look at, before anything is read."""
        super().after_instantiate_classes()
        settings, data = self.settings, self.datamodule
        reads = isinstance(self.model, ContinuesSymbols) and isinstance(data, GivesPassages)
        if not isinstance(data, DataModule) or not (reads or is_classifier(self.model, data)):
            names = f"{type(self.model).__name__} with {type(data).__name__}"
            raise InputError(f"inspect: there is no view of {names}; it looks into {INTO}")
        if settings.invert and (not isinstance(data, InvertsInputs) or not settings.input):
            raise InputError("--invert: it is for pictures that --input names")
        if settings.invert:
            data.invert = True

    def inspect(self, model: LightningModule, datamodule: DataModule, *_: Any) -> None:
        """Looks, and writes what there is to see."""
        self._start_from_weights()
        attach(self.trainer, model, datamodule)
        datamodule.load_once()
        if self.arguments.checkpoint is not None:
            checkpoint = load_checkpoint(self.arguments.checkpoint)
            restore(checkpoint, model, datamodule)
        self.stage = "measuring"
        subject = self._subject(model, datamodule)
        subject.step = 0 if self.arguments.checkpoint is None else saved_optimizer_steps(checkpoint)
        views, left_out = self._look(subject)
        facts = {
            "run": str(self.arguments.run) if self.arguments.run else self.arguments.name,
            "network": f"{type(model).__name__}, {sum(p.numel() for p in model.parameters()):,} parameters",
            "weights": self.measured,
            "data": describe_data(datamodule),
            "looked at": ", ".join(self.settings.input) or f"{subject.part} ({datamodule.sizes[subject.part]:,})",
            "command": self.arguments.typed,
        }
        folder = from_home(self._output).resolve()
        print_line(f"data     {facts['data']}")
        print_line(f"weights  {facts['weights']}")
        files = write_inspection(folder, f"Inside {type(model).__name__}", facts, views, left_out)
        width = max(map(len, files))
        for name, written in files.items():
            print_line(f"{name:<{width}}  {', '.join(written)}")
        if left_out:
            others = ", ".join(name for name, view in VIEWS.items() if view.title in left_out)
            print_line(f"left out {others}; the page says why")
        print_line(f"page     {shown_path(folder / PAGE)}")

    def _subject(self, model: LightningModule, data: DataModule) -> Subject:
        """Returns the network with its data, seen once.

        Raises:
            InputError: The part is empty, or inputs cannot be read.
        """
        sizes = data.sizes
        part = self.settings.part or ("val" if sizes.get("val") else "test" if sizes.get("test") else "train")
        if not sizes.get(part):
            raise InputError(f"--part {part}: {data.origin} has no {data.unit} there")
        subject = Subject(model, data, self.trainer, part)
        if is_classifier(model, data):
            if isinstance(data, SampleDataModule):
                data.predicted_part = part
            data.inputs = list(self.settings.input)
            subject.classify()
            if data.unread:
                raise InputError(describe_unread(data.unread, len(subject.names)))
            if len(subject.names) > len(subject.examples):
                shown = f"the first {len(subject.examples)} of {len(subject.names):,} inputs"
                print_line(f"note     {shown} are looked at one by one")
        else:
            model.to(self.trainer.strategy.root_device)
            subject.names = list(self.settings.input)
        return subject

    def _look(self, subject: Subject) -> tuple[Views, dict[str, str]]:
        """Returns the views with what they show, and why others are left out, by title.

        Raises:
            InputError: A view that was asked for, or every view, makes no sense here.
        """
        views, left_out = [], {}
        for name in self._only or VIEWS:
            try:
                views.append((VIEWS[name], list(VIEWS[name].make(subject))))
            except NotShown as reason:
                if self._only:
                    raise InputError(f"--only {name}: {reason}") from reason
                left_out[VIEWS[name].title] = str(reason)
        if not views:
            raise InputError(f"inspect: nothing to see: {'; '.join(left_out.values())}")
        return views, left_out


def run(arguments: Arguments) -> None:
    """Runs a command line, as `engine.cli.command.run`."""
    run_command(arguments, Inspection)
