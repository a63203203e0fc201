"""What the command can do, and what `--help` prints without a subcommand; it imports next to nothing."""

import os
import sys
from pathlib import Path

from engine.settings.config_names import listed_configs

SUBCOMMANDS = {
    "fit": "train a model, or continue a run",
    "validate": "measure a trained model on the validation split",
    "test": "measure a trained model on the test set, with pictures",
    "predict": "classify files, or continue texts",
    "inspect": "show what a trained network has learned, on a page",
    "lr_find": "find a learning rate, by a test of up to 200 steps",
}

TRAINING = ("fit", "lr_find")  # which begin with a config

TRACKED = ("fit", "test")  # by Weights & Biases

OF_NEW = ("--run_dir", "--resume")  # options that only begin a run

MODULES = {
    "lr_find": "engine.cli.lr_find",
    "inspect": "inspection.command",
}  # that run a subcommand; engine.cli.command runs the others

TOOLS = {
    "study": "compare settings: make many runs of one command, and find the best",
    "runs": "list runs, the newest first",
    "compare": "tell two runs from each other",
    "report": "make one page of runs or of a study: table, curves, pictures, commands",
    "export": "write a trained network as a file for other programs",
    "serve": "show a trained network on a page, and answer requests",
    "new": "write the beginning of a model or a data set of your own, with config and test",
    "completion": "print what makes bash, zsh or fish complete this command",
}

SEEDS = "fit --seeds"  # the tool that several seeds make of `fit`


def refused_options(subcommand: str) -> tuple[str, ...]:
    """Returns the options that the parser of a subcommand has and the subcommand refuses."""
    if subcommand in TRAINING:
        return ("--resume",) if subcommand == "lr_find" else ()
    return OF_NEW


HELP = """\
Primer: the classic neural networks, trained properly.

usage: {command} SUBCOMMAND --config NAME [options]

subcommands:
{subcommands}

examples:
  {command} fit --config vgg_bn.yaml                    train; the results land in runs/vgg_bn/TIME/
  {command} fit --config vgg_bn.yaml --model.dropout 0.1 --trainer.max_epochs 5
  {command} fit --config vgg_bn.yaml --seeds 1,2,3      a run for each seed, with mean and spread
  {command} fit --ckpt_path runs/vgg_bn/TIME            continue that run where it stopped
  {command} fit --ckpt_path latest                      continue the newest run
  {command} test --ckpt_path runs/vgg_bn/TIME           measure its best checkpoint
  {command} predict --ckpt_path runs/vgg_bn/TIME --input cat.png pictures/

configs:
{configs}
'{command} SUBCOMMAND --help' lists the options of a subcommand.
"""


def typed_command() -> str:
    """Returns the command as the user typed it: `primer`, or `python cli.py` with the file's path."""
    program = Path(sys.argv[0])
    if program.name in ("", "-c"):
        program = Path("cli.py")
    if program.suffix != ".py":
        return program.stem
    try:
        path = os.path.relpath(program)
    except ValueError:  # on another drive
        path = str(program)
    return f'python "{path}"' if " " in path else f"python {path}"


def tool_of(argv: list[str]) -> str | None:
    """Returns the name of the tool that a command line asks for; None for a subcommand."""
    if argv[0] == "fit" and any(word.partition("=")[0] == "--seeds" for word in argv):
        return SEEDS
    return argv[0] if argv[0] in TOOLS else None


def top_level_help() -> str:
    """Returns what `--help` prints without a subcommand."""
    subcommands = "\n".join(f"  {name:<12}{text}" for name, text in (SUBCOMMANDS | TOOLS).items())
    return HELP.format(
        command=typed_command(), subcommands=subcommands, configs="\n".join(f"  {line}" for line in listed_configs())
    )
