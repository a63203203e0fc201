"""Messages at the end of a fit or an evaluation, of the command or from Python: the result, and how to continue."""

from collections.abc import Sequence

from pytorch_lightning import LightningDataModule, LightningModule, Trainer

from callbacks import EarlyStopping
from callbacks.description import describe_data, sizes_of
from callbacks.next_command import next_command
from callbacks.run_checkpoint import RunCheckpoint
from callbacks.stops import Stop
from core.measures import describe_monitor, format_value, measures_of
from core.terminal.console import print_line
from core.terminal.printable import counted
from engine.settings.run_commands import VERBS, command_of_run

# What takes a run further, by what has stopped it: options of the command, and arguments of a Trainer.
OPTIONS = {
    "early_stopping": "a larger --early_stopping.patience or --trainer.max_epochs",
    "max_time": "a larger --trainer.max_time",
}
ARGUMENTS = {"early_stopping": "patience", "max_time": "max_time", "max_steps": "max_steps"}


def print_result(trainer: Trainer, model: LightningModule, datamodule: LightningDataModule) -> None:
    """Prints the best result of a finished run and the command that tests or uses it."""
    checkpoints = trainer.checkpoint_callback
    stop = checkpoints.stop(trainer)
    done = "done" if stop is None or stop.by == "max_steps" else f"done ({describe_stop(stop)})"
    if trainer.fast_dev_run:
        print_line(f"{done}: the trial has come through, and nothing of it is kept")
        return
    if not checkpoints.has_saved(trainer):
        print_line(f"{done}; no checkpoint was kept")
        return
    last = trainer.fit_loop.epoch_progress.current.processed - 1
    epoch = last if checkpoints.best_epoch is None else checkpoints.best_epoch
    line = f"{done}: {_what_counts(checkpoints, model)} (epoch {epoch})"
    if words := next_command(model, datamodule):
        print_line(f"{line}; {VERBS[words[0]]} it with")
        print_next_command(trainer, words)
    else:
        print_line(line)


def _what_counts(checkpoints: RunCheckpoint, model: LightningModule) -> str:
    """Returns in words what the best checkpoint has reached, or why the last one counts."""
    if checkpoints.best_score is not None:
        measures = measures_of(model)
        score = format_value(checkpoints.monitor, checkpoints.best_score, measures, more_digits=1)
        return f"best {describe_monitor(checkpoints.monitor, measures)} {score}"
    if checkpoints.keeps_last:
        why = "--checkpoint.monitor last"
    elif not checkpoints.monitor:
        why = "no --checkpoint.monitor"
    else:
        why = "no validation" if checkpoints.best_epoch is not None else "no validation with finite figures"
    return f"{why}, so the last epoch counts"


def print_nothing_left(trainer: Trainer) -> None:
    """Prints why a run does not go on, and what would let it."""
    stop = trainer.checkpoint_callback.stop(trainer)
    options = "--trainer.max_epochs or --trainer.max_steps"
    if stop is None or stop.by not in OPTIONS:
        print_line(f"nothing is left to do; a larger {options} takes the run further")
        return
    way_on = OPTIONS[stop.by]
    if stop.by == "early_stopping" and not trainer.builtin(EarlyStopping).enabled:  # but Lightning's own
        way_on = "a larger --trainer.max_epochs"
    print_line(f"nothing is left to do ({describe_stop(stop)}); {way_on} takes the run further")


def why_nothing_is_left(trainer: Trainer) -> str:
    """Returns, for a fit from Python, why it has had nothing to do, and what would take its run further."""
    stop = trainer.checkpoint_callback.stop(trainer)
    epochs, limit = trainer.fit_loop.epoch_progress.current.processed, "max_epochs"
    why = f"{counted(epochs, 'epoch')} {'is' if epochs == 1 else 'are'} trained"
    if stop is not None:
        why, limit = stop.reason, ARGUMENTS.get(stop.by, limit)
    return (
        f"nothing is left to do: {why}; a new Trainer with a larger {limit} goes on with "
        "fit(..., ckpt_path=RUN_FOLDER), and begins anew without ckpt_path"
    )


def describe_stop(stop: Stop) -> str:
    """Returns what stopped a run, and why."""
    return f"{stop.by.replace('_', ' ')}: {stop.reason}"


def print_interrupted(trainer: Trainer) -> None:
    """Prints where an interrupted run stopped and the command that continues it."""
    where = _where_interrupted(trainer)
    if not trainer.checkpoint_callback.has_saved(trainer):
        print_line(f"{where}; this run saves nothing, and cannot go on")
        return
    print_line(f"{where}; continue with")
    print_next_command(trainer, ["fit"])


def how_it_was_interrupted(trainer: Trainer) -> str:
    """Returns, for a fit from Python, where it was interrupted, and how to continue its run."""
    where = _where_interrupted(trainer)
    if not trainer.checkpoint_callback.has_saved(trainer):
        return where
    run = str(trainer.run_folder.path)
    return f"{where}; a new Trainer goes on with fit(..., ckpt_path={run!r}), and this one by the same call"


def _where_interrupted(trainer: Trainer) -> str:
    return f"interrupted at step {trainer.optimizer_steps:,}"


def print_cut_off(trainer: Trainer) -> None:
    """Prints the command that continues a run which a second signal has ended before it could save."""
    if not trainer.saves_checkpoints:
        print_line("interrupted; this run saves nothing: begin again with the same command")
        return
    print_line("interrupted before it could save; continue from what is saved with")
    print_next_command(trainer, ["fit"])


def print_metrics(
    trainer: Trainer, model: LightningModule, datamodule: LightningDataModule, part: str, weights: str
) -> None:
    """Prints the figures of an evaluation.

    Args:
        trainer: The trainer, after the evaluation.
        model: The model that was evaluated.
        datamodule: The data that it was evaluated on.
        part: Part of the data that they are of: `val` or `test`.
        weights: Which weights were evaluated.
    """
    print_line(f"data     {describe_data(datamodule, sizes_of(trainer))}")
    print_line(f"weights  {weights}")
    measures = measures_of(model, *trainer.callbacks)
    for name, value in sorted(trainer.callback_metrics.items()):
        if not measures or name.startswith(f"{part}/"):  # another package's names can be any
            print_line(f"{name:<20} {format_value(name, float(value), measures, more_digits=1)}")


def print_next_command(trainer: Trainer, words: Sequence[str]) -> None:
    """Prints a command that takes the trainer's run, ready to be pasted."""
    print_line(f"  {command_of_run(trainer.run_folder.path, words)}")
