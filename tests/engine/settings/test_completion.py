"""What a command line may go on with."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from core.terminal.one_line_parser import OneLineParser
from engine.settings import completion
from engine.settings.completion import FLAG, OF_ALL, OF_SUBCOMMAND, OF_TOOL, SETTINGS, TEXTS, complete
from engine.settings.config_names import CONFIGS, STUDIES
from engine.settings.overview import SEEDS, SUBCOMMANDS, TOOLS, refused_options
from studies.tools import run_tool


def test_the_first_word_is_a_subcommand_or_a_tool() -> None:
    assert complete([""]) == SUBCOMMANDS | TOOLS == complete([])
    assert complete(["com"]) == {name: TOOLS[name] for name in ("compare", "completion")}


def test_configs_are_completed_by_name_those_of_the_folder_first(tmp_path: Path) -> None:
    Path("mine.yaml").touch()
    assert next(iter(complete(["fit", "--config", ""]))) == "mine.yaml"
    assert [*complete(["fit", "--config", "vgg_"])] == ["vgg_bn.yaml"]
    assert [*complete(["fit", "--config=vgg_"])] == ["--config=vgg_bn.yaml"]
    assert [*complete(["fit", "--config", "published/xor_m"])] == ["published/xor_mlp.yaml"]
    assert [*complete(["study", "vgg_choices_"])] == ["vgg_choices_full.yaml"]


def test_settings_are_completed_group_by_group_with_their_help() -> None:
    groups = complete(["fit", "--config", "vgg_bn", "--"])
    assert {"--trainer.", "--model.", "--data.", "--weights", "--ckpt_path"} <= groups.keys()
    assert "--model.dropout" not in groups
    found = complete(["fit", "--config", "vgg_bn", "--model.d"])
    assert found["--model.dropout"] == "Probability of dropping an input of a dense layer in training"
    assert "--model.optimizer.nesterov" in complete(["fit", "--config=alexnet.yaml", "--model.optimizer.n"])


def test_classes_come_from_options_and_from_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ["fit", "--model", "lightning_modules.TextRNN", "--model.optimizer=torch.optim.Adam"]
    assert "--model.hidden" in complete([*chosen, "--model.h"])
    assert "--model.optimizer.betas" in complete([*chosen, "--model.optimizer.b"])
    run = Path("runs/net/1")
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("model:\n  class_path: lightning_modules.VGG\n")
    assert "--model.whiten" in complete(["test", "--ckpt_path", str(run), "--model.w"])
    assert "--model.whiten" in complete(["inspect", str(run), "--model.w"])
    assert not complete(["test", "--ckpt_path", "nowhere", "--model.w"])
    monkeypatch.setenv("HOME", str(Path.cwd()))
    for words in (["--ckpt_path", f"~/{run}"], [f"--config=~/{run}/config.yaml"]):
        assert "--model.whiten" in complete(["test", *words, "--model.w"])


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        (["fit", "--config", "vgg_bn", "--model.pool", ""], ["first", "last"]),
        (["fit", "--config", "vgg_bn", "--model.pool=l"], ["--model.pool=last"]),
        (["fit", "--config", "vgg_bn", "--model.whiten", "t"], ["true"]),
        (["fit", "--model", "lightning_modules.VG"], ["lightning_modules.VGG"]),
        (["fit", "--config", "vgg_bn", "--trainer.max_epochs", ""], []),
        (["fit", "--gpus", ""], ["free"]),
        (["export", "--format", "o"], ["onnx"]),
        (["completion", "z"], ["zsh"]),
        (["predict", "--ckpt_path", "x", "--input", "a", "b"], []),
        (["nonsense", ""], []),
    ],
)
def test_values_are_completed(typed: list[str], values: list[str]) -> None:
    assert [*complete(typed)] == values


def test_runs_are_completed_the_newest_first() -> None:
    assert complete(["fit", "--ckpt_path", ""]) == {}
    for when, name in enumerate(("runs/net/1", "runs/studies/s/0001", "runs/net/2")):
        Path(name).mkdir(parents=True)
        Path(name, "config.yaml").touch()
        os.utime(Path(name, "config.yaml"), (when, when))
    newest = ["runs/net/2", "runs/studies/s/0001", "runs/net/1"]
    assert [*complete(["fit", "--ckpt_path", ""])] == ["latest", *newest]
    assert [*complete(["compare", "runs/net/1", "runs/n"])] == ["runs/net/2", "runs/net/1"]
    assert [*complete(["inspect", "l"])] == ["latest"]


class Met(Exception):
    """Ends a command once its parser is known."""


def parser_of(tool: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns the parser of a tool."""

    def stop(parser: OneLineParser, *_: object) -> None:
        raise Met(parser)

    for name in ("parse_args", "parse_known_args"):
        monkeypatch.setattr(OneLineParser, name, stop)
    with pytest.raises(Met) as met:
        run_tool(tool, [])
    return met.value.args[0]


@pytest.mark.parametrize("tool", [*TOOLS, SEEDS])
def test_the_options_of_a_tool_are_those_of_its_parser(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = OF_TOOL[tool] if tool in OF_TOOL else OF_SUBCOMMAND["fit"] | {"--run_dir": SETTINGS["--run_dir"]}
    actions = [one for one in parser_of(tool, monkeypatch)._actions if one.dest != "help"]
    options = {name: one for one in actions for name in one.option_strings}
    assert options.keys() == {name for name in table if name} - ({"--ckpt_path", "--trust"} if tool == SEEDS else set())
    assert ("" in table) == any(not one.option_strings for one in actions)
    for name, one in options.items():
        assert (table[name] == FLAG) == (one.nargs == 0), name
        assert not one.choices or table[name].split() == [*one.choices], name
    chosen = next((one.choices for one in actions if not one.option_strings and one.choices), None)
    assert chosen is None or table[""].split() == [*chosen]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_the_options_of_a_subcommand_are_those_of_its_parser(subcommand: str) -> None:
    from engine.cli.lightning_cli import SubcommandCLI
    from engine.cli.lr_find import LearningRateTest
    from engine.cli.merged_settings import SettingsAlone
    from engine.settings.arguments import parse_command_line
    from engine.settings.command_words import EARLY
    from inspection.command import Inspection

    own = {name: SettingsAlone.__dict__[name] for name in ("instantiate_classes", "_set_seed")}
    own |= dict.fromkeys(("before_instantiate_classes", "after_instantiate_classes"), lambda self: None)
    own["__init__"] = lambda self, arguments: SubcommandCLI.__init__(self, arguments, False)
    alone = type("Alone", ({"lr_find": LearningRateTest, "inspect": Inspection}.get(subcommand, SubcommandCLI),), own)
    config = ["--config", "vgg_bn.yaml", *(["--weights", "none"] if subcommand == "predict" else [])]
    parser = alone(parse_command_line([subcommand, *config])).parser
    options = {name for name in parser._option_string_actions if re.fullmatch(r"--\w+", name)}
    ours = {name for name in complete([subcommand, "--config", "vgg_bn", "--"]) if not name.endswith(".")}
    handled = {*EARLY, "--trust", "--traceback", "--seeds", "--workers", "--dry_run", "--help.trainer"}
    left_out = {"--print_config", "--print_shtab", "--weights_only", "--verbose", "--return_predictions"}
    left_out |= {*refused_options(subcommand)} | ({"--ckpt_path"} if subcommand == "lr_find" else set())
    groups = {name.removesuffix(".") for name in complete([subcommand, "--"]) if name.endswith(".")}
    assert ours - handled <= options - {*refused_options(subcommand)}
    assert options - ours - left_out - groups == set()


def test_only_few_runs_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MOST_RUNS", 2)
    for number in range(4):
        Path(f"runs/net/{number}").mkdir(parents=True)
        Path(f"runs/net/{number}/config.yaml").touch()
    assert len(complete(["report", "runs/"])) == 2


def test_every_kind_of_word_is_known() -> None:
    tables = [OF_ALL, SETTINGS, *OF_SUBCOMMAND.values(), *OF_TOOL.values()]
    for kind in {kind for table in tables for kind in table.values()}:
        assert isinstance(completion._values(kind), list)
    assert OF_SUBCOMMAND.keys() == SUBCOMMANDS.keys()
    assert OF_TOOL.keys() == TOOLS.keys()
    assert (CONFIGS / STUDIES).is_dir()
    assert {name for table in [OF_ALL, OF_SUBCOMMAND["predict"], OF_SUBCOMMAND["fit"]] for name in table} == {*TEXTS}
