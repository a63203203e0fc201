"""Prints and writes the predictions of `predict`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor

from core.epochs import takes_all
from core.errors import InputError
from core.files.home import from_home
from core.files.outputs import CSV, check_output_file, is_among, needed_output, write_output
from core.media_files import as_csv
from core.predictions import PredictionTable, excerpt
from core.protocols.general import HasClasses, PredictsClasses
from core.protocols.pictures import InvertsInputs, PredictsPictures
from core.terminal.console import print_line
from core.terminal.printable import counted, printable, shown_path
from core.terminal.text_table import aligned
from datamodules.base.data_module import DataModule
from datamodules.base.sample_data_module import SampleDataModule
from engine.predicting.gathering import checked_pictures, checked_rows, gather, gather_pictures, gather_unread, in_order
from engine.predicting.picture_files import check_picture_output, write_pictures
from engine.processes.peers import lost_peers
from engine.trainer import Trainer

WIDEST = 80  # columns up to which a cell widens those of other predictions
NAMED = 5  # inputs that a message about unreadable ones names
SHOWN = 40  # rows on the screen; a file gets all


def prepare(
    model: LightningModule, datamodule: LightningDataModule, inputs: list[str], invert: bool, output: str | None
) -> None:
    """Gives the data what is to be predicted, after a check of it and of the file for predictions.

    Args:
        model: The model.
        datamodule: The data.
        inputs: Files, folders or texts; the test set if empty.
        invert: Whether the negatives of pictures are predicted.
        output: The CSV file; for a model that makes pictures, their folder or file.

    Raises:
        InputError: The data reads no files or no pictures, or the file cannot or must not be written.
    """
    if inputs and not isinstance(datamodule, DataModule):
        raise InputError(f"--input: {type(datamodule).__name__} reads no files; it has its own samples")
    datamodule.inputs = inputs
    if isinstance(datamodule, SampleDataModule):
        datamodule.any_order = True  # `conclude` puts them in order
    if isinstance(model, PredictsPictures):
        check_picture_output(output, inputs)
    else:
        ours = isinstance(datamodule, DataModule)
        endings = (datamodule.prediction_endings(), datamodule.single_endings) if ours else ((CSV,), ())
        check_output(output, inputs, *endings)
    if invert:
        if not isinstance(datamodule, InvertsInputs) or not inputs:
            raise InputError("--invert: it is for pictures that --input names")
        datamodule.invert = True


def conclude(
    trainer: Trainer, model: LightningModule, datamodule: LightningDataModule, outputs: Any, output: str | None
) -> None:
    """Prints and writes what a model has predicted.

    Args:
        trainer: The trainer that predicted.
        model: The model.
        datamodule: Its data.
        outputs: What `predict_step` returned for each batch.
        output: The CSV file; for a model that makes pictures, their folder or file.

    Raises:
        InputError: Some inputs could not be read, of which the others are printed and written nevertheless; or the
            model returns what cannot be shown.
    """
    kind, world_size = type(model).__name__, trainer.world_size
    is_ours, makes_pictures = isinstance(datamodule, DataModule), isinstance(model, PredictsPictures)
    # classes are named by their probabilities, which a model of another package need not return
    has_table = is_ours and (isinstance(model, PredictsClasses) or not isinstance(datamodule, HasClasses))
    if world_size > 1 and not (is_ours and (makes_pictures or has_table)):
        raise InputError(f"predict: {kind} predicts on one device here; give --trainer.devices 1")
    if not is_ours and outputs and isinstance(outputs[0], list):  # of several loaders
        outputs = [batch for loader in outputs for batch in loader]
    order = datamodule.predicted_order() if isinstance(datamodule, SampleDataModule) else None
    if order is not None:
        outputs = in_order(checked_rows(outputs, kind), order)
    names = datamodule.prediction_names() if is_ours else None
    if makes_pictures:
        predicted = gather_pictures(checked_pictures(outputs, kind), world_size)
    elif has_table:
        predicted = gather(checked_rows(outputs, kind), world_size)
    else:
        table = general_table(outputs, kind, names, not takes_all(trainer.limit_predict_batches))
        predicted = table.rows
    # all names, unless a limit of the trainer ended it before
    names = names[: len(predicted)] if is_ours else [str(place) for place in range(len(predicted))]
    unread = _unread(datamodule, len(names), world_size) if is_ours else {}
    read = [place for place in range(len(names)) if place not in unread]
    if trainer.is_global_zero and read:
        shown = [names[place] for place in read]
        if makes_pictures:
            report(_written(shown, [predicted[place] for place in read], output), None)
        elif has_table:
            report(datamodule.prediction_table(shown, predicted[read]), output)
        else:
            report(replace(table, rows=[predicted[place] for place in read]), output)
    if unread:
        if world_size > 1:  # a launcher kills the first process, which writes, soon after another's end with an error
            with lost_peers(trainer):
                trainer.strategy.barrier()
        raise InputError(describe_unread(unread, len(names)))


def _unread(datamodule: DataModule, n: int, world_size: int) -> dict[int, str]:
    """Returns why some of the first n inputs could not be read, by their places; prints notes on the inputs."""
    for line in datamodule.notes_on_inputs():
        print_line(line)
    found = gather_unread(datamodule.unread, world_size)
    return {place: reason for place, reason in found.items() if place < n}


def _written(names: Sequence[str], pictures: Sequence[Tensor], output: str) -> PredictionTable:
    """Writes pictures under the names of what they were made of, and returns a table of the files."""
    files = write_pictures([Path(name).stem for name in names], pictures, output)
    sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in pictures]
    rows = list(zip(names, map(str, map(shown_path, files)), sizes, strict=True))
    return PredictionTable(("picture", "file", "size"), rows)


def report(table: PredictionTable, output: str | None) -> None:
    """Prints a table of predictions, and writes it to a file if asked to.

    Args:
        table: The predictions.
        output: The file.

    Raises:
        InputError: The file cannot be written.
    """
    if table.display == "last_column":
        for row in table.rows[:SHOWN]:
            print_line(f"{row[-1]}\n")
    else:
        first = excerpt if table.display == "excerpts" else str
        rows = (tuple(table.header), *((first(row[0]), *row[1:]) for row in table.rows[:SHOWN]))
        # before their widths are measured
        shown = [[printable(text) for text in row[: table.shown_columns]] for row in rows]
        for line in aligned(shown, WIDEST):
            print_line(line)
    if len(table.rows) > SHOWN:
        print_line(f"... and {len(table.rows) - SHOWN:,} more{'' if output else '; --output FILE.csv writes all'}")
    if output:
        path = from_home(output)
        write_output(path, _content(table, path), output)
        print_line(f"{counted(len(table.rows), 'prediction')} written to {shown_path(path)}")


def _content(table: PredictionTable, path: Path) -> bytes:
    """Returns what a file of predictions holds: CSV, unless its name asks for another form that the table has."""
    if path.suffix.lower() in table.forms:
        return table.forms[path.suffix.lower()]()
    return as_csv(table.header, table.rows)


def check_output(output: str | None, inputs: Sequence[str], endings: Sequence[str], single: Sequence[str] = ()) -> None:
    """Checks, before anything is predicted, that the file for predictions can be written and is not needed.

    Args:
        output: The file.
        inputs: Files, folders or texts to predict.
        endings: How it may end; without any ending it is a CSV file.
        single: Those of a file that holds one prediction alone.

    Raises:
        InputError: It is a folder, its folder does not exist, it is an input or part of a run, ends otherwise, or holds
            one prediction of several.
    """
    if output is None:
        return
    path = check_output_file(output, "predictions.csv")
    for name in inputs if path.is_file() else ():
        if is_among(path, name):
            raise needed_output(output, f"is among the files that --input {name} names")
    if (ending := path.suffix.lower()) in single and len(inputs) > 1:
        known = " or ".join(other for other in endings if other not in single)
        raise InputError(
            f"--output {output}: a {ending} file holds one prediction, and {len(inputs)} are asked for; end the name "
            f"in {known}"
        )
    if ending not in ("", *endings):
        known = " or ".join(endings)
        raise InputError(f"--output {output}: there is no such form of these predictions; end the name in {known}")


def general_table(outputs: Any, model: str, names: list[str] | None = None, limited: bool = False) -> PredictionTable:
    """Returns predictions of a model or a data set of another package: a row of numbers for each sample.

    Args:
        outputs: What `predict_step` returned for each batch, a tensor [B] or [B, K].
        model: Name of the model, for the message.
        names: Names of the samples; their places if not given.
        limited: Whether only the first samples were predicted.

    Raises:
        InputError: The model returns something else, or not one row for each sample.
    """
    batches = checked_rows(outputs, model)
    rows = torch.cat([batch.flatten(1) if batch.ndim > 1 else batch[:, None] for batch in batches])
    numbers = [[str(value) if isinstance(value, int) else f"{value:.6g}" for value in row] for row in rows.tolist()]
    header = ["sample", *(f"output {place}" for place in range(rows.shape[1]))]
    names = names or [str(place) for place in range(len(numbers))]
    if len(names) < len(numbers) or (len(names) > len(numbers) and not limited):
        raise InputError(f"{model}.predict_step returns {len(numbers)} rows for {len(names)} samples, not one each")
    return PredictionTable(header, [(name, *row) for name, row in zip(names, numbers, strict=False)])


def describe_unread(unread: Mapping[int, str], n: int) -> str:
    """Returns one line about inputs that could not be read.

    Args:
        unread: The reason by place.
        n: Number of all inputs.
    """
    reasons = "; ".join(unread[place] for place in sorted(unread)[:NAMED])
    more = f"; and {len(unread) - NAMED:,} more" if len(unread) > NAMED else ""
    return f"{len(unread):,} of {n:,} inputs cannot be read: {reasons}{more}"
