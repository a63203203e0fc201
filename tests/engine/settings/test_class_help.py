"""The options of a class are shown for the class that is named, or that the config names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from engine.settings.class_help import complete_class_help

Command = Callable[..., tuple[int, str, str]]
VGG_BN = ("--config", "vgg_bn.yaml")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--model.help", "VGG"), "--model.convolutions"),
        (("--model.help=VGG",), "--model.convolutions"),
        (("--model.help", "lightning_modules.VGG"), "--model.convolutions"),
        ((*VGG_BN, "--model.help"), "--model.convolutions"),
        ((*VGG_BN, "--model.help", "ResNet"), "--model.depth"),
        (("--model", "lightning_modules.MLP", "--model.help"), "--model.widths"),
        (("--data.help", "MNISTDataModule"), "--data.variant"),
        ((*VGG_BN, "--data.help"), "--data.val_size"),
        ((*VGG_BN, "--model.optimizer.help"), "--optimizer.momentum"),
        ((*VGG_BN, "--model.optimizer.help", "AdamW"), "--optimizer.betas"),
        ((*VGG_BN, "--model.lr_scheduler.help"), "--lr_scheduler.warmup"),
        (("--trainer.callbacks.help", "LearningRateMonitor"), "--trainer.callbacks.log_momentum"),
    ],
)
@pytest.mark.parametrize("subcommand", ["fit", "test"])
def test_the_options_of_a_class_are_shown(
    subcommand: str, words: tuple[str, ...], shown: str, command: Command
) -> None:
    code, output, errors = command(subcommand, *words)
    assert code == 0, errors
    assert shown in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--model.help",),
            "name a class after it, or a config before it; there are AlexNet, AttentionCaptioner, BagOfNgrams",
        ),
        (("--data.help",), "there are CIFAR10DataModule"),
        (("--model.help", "VGGG"), "--model.help VGGG: there is no such class; did you mean VGG?"),
        (("--model.help", "Qqqqq"), "--model.help Qqqqq: there is no such class; there are AlexNet, "),
        (("--config", "vgg_bn.yaml", "--model.optimizer.help", "Qqqqq"), "there are Alternating, Muon, ASGD"),
        (
            ("--config", "vgg_bn.yaml", "--data.augmentation.help"),
            "such as package.Class; --data.help lists all options of the data",
        ),
        (("--model.optimizer.help", "SGD"), "--model.optimizer.help: depends on the model; name a config before it"),
        (("--model.help", "nothing.VGG"), "nothing"),
    ],
)
def test_a_class_that_is_missing_or_mistyped_gets_one_line(words: tuple[str, ...], said: str, command: Command) -> None:
    code, _, errors = command("fit", *words)
    assert code == 2
    assert said in errors
    assert errors.count("\n") == 1


def test_ours_comes_before_a_librarys() -> None:
    assert complete_class_help(["--trainer.callbacks.help", "EarlyStopping"]) == [
        "--trainer.callbacks.help=callbacks.EarlyStopping"
    ]
    assert complete_class_help(["--a.help", "Own"]) == ["--a.help=Own"]
    with pytest.raises(InputError, match=r"its import path, such as package\.Class"):
        complete_class_help(["--a.help"])


def test_the_last_config_that_names_a_class_counts(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / name).write_text(f"trainer:\n  callbacks:\n    - class_path: m.{name}\n")
    (tmp_path / "C").write_text("trainer: {max_epochs: 1}\n")
    configs = [word for name in "ABC" for word in ("--config", str(tmp_path / name))]
    assert complete_class_help([*configs, "--trainer.callbacks.help"])[-1] == "--trainer.callbacks.help=m.B"
