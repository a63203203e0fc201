"""Shortens a subcommand's help to the options that most users need."""

from argparse import SUPPRESS

from jsonargparse import DefaultHelpFormatter
from pytorch_lightning.cli import LightningArgumentParser

from engine.settings.overview import TRACKED, TRAINING, refused_options, typed_command
from engine.settings.recorded_config import OPTION_GROUPS

HELP_ON_HELP = """
more:
  --model.help [CLASS]  options of a model, with their defaults; without CLASS
                        those of the --config before it
  --data.help [CLASS]   likewise of a data set
  --help.trainer        all options of Lightning's Trainer
  --trust               let other code that the config of a run names run, with
                        all your rights; without it a run names classes of
                        this project, torch, torchvision, torchmetrics and
                        Lightning, and what you have trained with
  --gpus free           take as many GPUs as --trainer.devices (or one) that
                        nobody else uses; with --gpu_memory 8GiB those that
                        have so much memory free
  --traceback           print an error's traceback
"""
OF_FIT = """\
  --seeds 1,2,3         make a run for each of several seeds, with mean and
                        spread; --workers 2 makes two at a time
"""

TITLES = {
    "trainer": "trainer: how long and on what to train (more with --help.trainer)",
    "model": "model: the network, its optimizer and schedule",
    "data": "data: the data set, its splits and augmentation",
    "checkpoint": "checkpoint: what is kept",
    "early_stopping": "early_stopping: off until given a patience",
    "nan_guard": "nan_guard: stops before a loss or gradient that is not finite reaches the weights",
    "freeze": "freeze: layers kept fixed, for fine-tuning",
    "features": "features: a fixed part of the network, whose outputs are computed once for each picture and kept",
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
HELPS = {
    "config": "Config to begin with: a name in configs/, or a file. Of several, later ones override.",
    "seed_everything": "Seed of weights, order and augmentation; true draws one, false sets none.",
    "model": "Class of the model, such as lightning_modules.VGG; its arguments are --model.NAME.",
    "data": "Class of the data set, such as datamodules.XORDataModule; its arguments are --data.NAME.",
}
FIT_ALONE = ("checkpoint", "early_stopping", "nan_guard", "freeze", "watch")
UNUSED = ("checkpoint", "early_stopping", "nan_guard", "watch", "ckpt_path")  # by `lr_find`
NEVER_NEEDED = ("weights_only", "verbose", "return_predictions")
BEGINNINGS = {"fit": "--config NAME", "lr_find": "--config NAME", "inspect": "RUN"}


class HelpFormatter(DefaultHelpFormatter):
    """Keeps the lines of a description."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text


def shorten_help(parser: LightningArgumentParser, subcommand: str, all_trainer_options: bool = False) -> None:
    """Leaves rarely used options out of a subcommand's help, and adds how to see them.

    Args:
        parser: The subcommand's parser.
        subcommand: Its name.
        all_trainer_options: Show every option of the Trainer.
    """
    for action in parser._actions:
        group, _, option = action.dest.partition(".")
        of_trainer = group == "trainer" and option and all_trainer_options
        rare = group == "trainer" and option.split(".")[0] not in SHOWN_TRAINER_OPTIONS and not of_trainer
        unused = subcommand == "lr_find" and group in UNUSED
        of_fit = group in FIT_ALONE or action.dest in TRAINING_OPTIONS
        refused = f"--{action.dest}" in refused_options(subcommand)
        untracked = group.startswith("wandb") and subcommand not in TRACKED
        of_file = not option and group in OPTION_GROUPS  # a file in place of a group's options
        elsewhere = untracked or (of_fit and subcommand not in TRAINING and not of_trainer)
        if refused or rare or unused or elsewhere or of_file or group in NEVER_NEEDED:
            action.help = SUPPRESS
        elif action.dest == "ckpt_path":
            action.help = CKPT_PATH.get(subcommand, CKPT_PATH["validate"])
        elif action.dest in HELPS:
            action.help = HELPS[action.dest]
            action.extra_help = str  # where the parser lists the few classes that happen to be imported
    parser._action_groups = [group for group in parser._action_groups if group.title != "Linked arguments"]
    for group in parser._action_groups:
        shown = [action.dest.partition(".")[0] for action in group._group_actions if action.help != SUPPRESS]
        group.title = TITLES.get(shown[0], group.title) if shown else None
    parser.usage = f"{typed_command()} {subcommand} {BEGINNINGS.get(subcommand, '--ckpt_path RUN')} [options]"
    parser.description += f"\n{HELP_ON_HELP}{OF_FIT if subcommand == 'fit' else ''}"
    parser.formatter_class = HelpFormatter
