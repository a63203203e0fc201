"""Shortens a subcommand's help to the options that most users need."""

from argparse import SUPPRESS

from pytorch_lightning.cli import LightningArgumentParser

from engine.settings.overview import TRAINING, refused_options, typed_command

HELP_ON_HELP = """
Options of a model or a data set, with their defaults: --model.help CLASS and --data.help CLASS, or after a
--config, without a class. All options of Lightning's Trainer: --help.trainer. The config of a
run names classes of this project, torch, torchvision, torchmetrics and Lightning, and what you have trained with;
--trust lets other code that it names run, with all your rights. An error's traceback: --traceback. GPUs of a machine
that is shared: --gpus free takes as many as --trainer.devices (or one) that nobody uses, or that have --gpu_memory 8GiB
free. A run for each of several seeds, some at a time, with mean and spread: fit --seeds 1,2,3 --workers 2.
"""

TITLES = {
    "trainer": "trainer: how long and on what to train (more with --help.trainer)",
    "model": "model: the network, its optimizer and schedule",
    "data": "data: the data set, its splits and augmentation",
    "checkpoint": "checkpoint: what is kept",
    "early_stopping": "early_stopping: off until given a patience",
    "nan_guard": "nan_guard: stops before a loss or gradient that is not finite reaches the weights",
    "freeze": "freeze: layers kept fixed, for fine-tuning",
    "ckpt_path": "checkpoint",
    "views": "views: predictions averaged over several views of each image",
    "watch": "watch: what TensorBoard and W&B show beside the curves",
    "test_subset": "test_subset: a second accuracy, on the first test images",
}

# What `fit --help` shows of the Trainer; `--help.trainer` shows all.
SHOWN_TRAINER_OPTIONS = (
    "accelerator",
    "devices",
    "precision",
    "max_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "deterministic",
    "default_root_dir",
)

TRAINING_OPTIONS = tuple(f"trainer.{name}" for name in SHOWN_TRAINER_OPTIONS[3:])
CKPT_PATH = {
    "fit": "Run folder, or checkpoint file, of a run to continue.",
    "validate": "Run folder, whose best checkpoint counts, or checkpoint file.",
}
FIT_ALONE = ("checkpoint", "early_stopping", "nan_guard", "freeze", "watch")
UNUSED = ("checkpoint", "early_stopping", "nan_guard", "watch", "ckpt_path")  # by `lr_find`
NEVER_NEEDED = ("weights_only", "verbose", "return_predictions")


BEGINNINGS = {"fit": "--config NAME", "lr_find": "--config NAME", "inspect": "RUN"}


def shorten_help(parser: LightningArgumentParser, subcommand: str) -> None:
    """Leaves rarely used options out of a subcommand's help, and adds how to see them."""
    for action in parser._actions:
        group, _, option = action.dest.partition(".")
        rare = group == "trainer" and option.split(".")[0] not in SHOWN_TRAINER_OPTIONS
        unused = subcommand == "lr_find" and group in UNUSED
        of_fit = group in FIT_ALONE or action.dest in TRAINING_OPTIONS
        refused = f"--{action.dest}" in refused_options(subcommand)
        if refused or rare or unused or group in NEVER_NEEDED or (of_fit and subcommand not in TRAINING):
            action.help = SUPPRESS
        elif action.dest == "ckpt_path":
            action.help = CKPT_PATH.get(subcommand, CKPT_PATH["validate"])
    parser._action_groups = [group for group in parser._action_groups if group.title != "Linked arguments"]
    for group in parser._action_groups:
        shown = [action.dest.partition(".")[0] for action in group._group_actions if action.help != SUPPRESS]
        group.title = TITLES.get(shown[0], group.title) if shown else None
    parser.usage = f"{typed_command()} {subcommand} {BEGINNINGS.get(subcommand, '--ckpt_path RUN')} [options]"
    parser.description += HELP_ON_HELP
