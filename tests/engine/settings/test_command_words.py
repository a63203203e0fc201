"""Which word of a command line is what, and what is answered to one in the wrong place."""

from pathlib import Path

import pytest

from core.errors import InputError
from engine.settings.arguments import parse_command_line
from engine.settings.command_words import Words, sort_words
from engine.settings.overview import SUBCOMMANDS, TRAINING, refused_options


def test_configs_early_options_and_flags_are_told_apart(config: Path) -> None:
    words = ["--config", "tiny.yaml", "--gpus", "free", "--trust", "--model.dropout", "0.1", "--ckpt_path=best"]
    early = {"--gpus": "free", "--ckpt_path": "best"}
    assert sort_words(words, "fit") == Words([config], early, ["--model.dropout", "0.1"], trusts=True)


def test_a_mistyped_subcommand_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown subcommand 'fti': did you mean 'fit'"):
        parse_command_line(["fti"])
    with pytest.raises(InputError, match="there are fit, validate, test, predict"):
        parse_command_line(["xyz"])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--config", "vgg_bn.yaml"], "--config: a subcommand comes first, such as fit --config"),
        (["vgg_bn"], "vgg_bn: a subcommand comes first, such as fit --config vgg_bn"),
        (["last.ckpt"], "last.ckpt: a subcommand comes first, such as fit --ckpt_path last.ckpt"),
    ],
)
def test_a_command_without_a_subcommand_is_answered_with_one(words: list[str], meant: str) -> None:
    with pytest.raises(InputError, match=f"^{meant}$"):
        parse_command_line(words)


@pytest.mark.parametrize(
    ("name", "meant"), [("train", "fit"), ("trian", "fit"), ("eval", "validate"), ("tset", "test")]
)
def test_a_subcommand_of_other_programs_is_answered_with_ours(name: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{meant}'"):
        parse_command_line([name])


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["vgg_bn.yaml"], "vgg_bn.yaml: belongs to no option; did you mean --config vgg_bn.yaml"),
        (["vgg_bn"], "did you mean --config vgg_bn"),
        (["lr=0.1"], "lr=0.1: belongs to no option; options begin with two dashes: --lr=0.1"),
        (["--confg", "vgg_bn.yaml"], "--confg: there is no such option; did you mean --config"),
        (["--conf=vgg_bn.yaml"], "--conf: there is no such option; did you mean --config"),
        (["--ckpt-path", "run"], "--ckpt-path: there is no such option; did you mean --ckpt_path"),
        (["--config", "vgg_bn.yaml", "--workers", "2"], "--workers: is for several runs: fit takes it beside --seeds"),
        (["-config", "vgg_bn.yaml"], "-config: there is no such option; options begin with two dashes: --config"),
    ],
)
@pytest.mark.parametrize("subcommand", ["fit", "validate", "test", "predict"])
def test_a_misplaced_config_is_answered_at_once(subcommand: str, words: list[str], answer: str) -> None:
    with pytest.raises(InputError, match=answer):
        parse_command_line([subcommand, *words])


@pytest.mark.parametrize("option", ["--run_dir", "--resume"])
@pytest.mark.parametrize("subcommand", [name for name in SUBCOMMANDS if name not in TRAINING])
def test_what_begins_a_run_is_refused_where_none_begins(subcommand: str, option: str) -> None:
    assert option in refused_options(subcommand)
    with pytest.raises(InputError, match=f"{option}: is for a run that begins, and none begins here; fit takes it"):
        parse_command_line([subcommand, "--config", "vgg_bn.yaml", option, "auto"])


@pytest.mark.parametrize("option", ["--config", "-c", "--ckpt_path"])
@pytest.mark.parametrize("rest", [[], [""]])
def test_an_option_without_its_value_is_named(option: str, rest: list[str]) -> None:
    with pytest.raises(InputError, match=f"{option} needs a value"):
        parse_command_line(["fit", option, *rest])


@pytest.mark.parametrize("words", [["--config", "tiny.yaml"], ["--config=tiny.yaml"], ["-c", "tiny.yaml"]])
def test_a_flag_before_the_config_is_refused(words: list[str], config: Path) -> None:
    """Options apply from left to right, so that such a config would overwrite the flag."""
    with pytest.raises(InputError, match=r"--trainer.max_epochs stands before --config .*: put --config first"):
        parse_command_line(["fit", "--trainer.max_epochs", "1", *words])
