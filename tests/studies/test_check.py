"""Every value arrives in the run, whole and alone, or the study does not begin."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError
from engine.cli.merged_settings import SettingsAlone, merged_settings
from engine.settings.arguments import parse_command_line
from engine.settings.config_files import flatten
from studies.check import as_words, check, check_metric, examples
from studies.parameters import read_parameters
from tests.plain import PlainData, PlainModule

SGD = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.2, "momentum": 0.5}}
SCHEDULE = {"class_path": "lightning_modules.schedules.WarmupCosine", "init_args": {"warmup": 0.3}}


ARRIVING = [
    ("model.dropout", 0.0),
    ("model.optimizer.lr", 1e-5),
    ("model.optimizer.lr", 1),
    ("model.widths", [4, 4]),
    ("model.lr_scheduler", None),
    ("model.lr_scheduler", SCHEDULE),
    ("model.optimizer", SGD),
    ("model.optimizer", SGD | {"class_path": "SGD"}),
    ("model.activation", "sigmoid"),
    ("data.augmentation", {"flip": "none"}),
    ("data.data_dir", "elsewhere"),
    ("trainer.callbacks", [{"class_path": "tests.tiny.Slow", "init_args": {"seconds": 0.1}}]),
    ("trainer.callbacks", ["tests.tiny.Slow"]),
    ("trainer.gradient_clip_val", None),
    ("trainer.deterministic", True),
    ("seed_everything", 7),
    ("trainer.precision", "32-true"),
]


def checked(config: Path, *points: dict[str, Any], metric: str | None = None) -> dict[str, Any]:
    """Checks points of the tiny config."""
    return check(["fit", "--config", str(config)], points, metric, None if metric is None else "min")


def test_values_of_every_kind_arrive(config: Path) -> None:
    checked(config, *({key: value} for key, value in ARRIVING))


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"model.droput": 0.1}, "--model.droput: there is no such option; did you mean --model.dropout?"),
        ({"model.dropout": "much"}, "--model.dropout much: expected float"),
        ({"model.dropout": 3.0}, "dropout"),
        (
            {"model.optimizer": "torch.optim.Adam"},
            "torch.optim.Adam would keep lr 0.05 of the config's torch.optim.SGD",
        ),
        ({"model.optimizer": {"class_path": "torch.optim.RMSprop"}}, "RMSprop would keep lr 0.05, momentum 0.9 of"),
        (
            {"model.optimizer": {"class_path": "torch.optim.RMSprop", "init_args": {"lr": 0.1}}},
            "of the config's torch.optim.SGD; give its momentum, too: {class_path: torch.optim.RMSprop, init_args: "
            "{lr: 0.1, momentum: ...}}",
        ),
        ({"model": "lightning_modules.ConvNet"}, "lightning_modules.ConvNet would keep"),
    ],
)
def test_what_does_not_arrive_or_brings_others_with_it_is_refused(
    point: dict[str, Any], reason: str, config: Path
) -> None:
    with pytest.raises(InputError) as refused:
        checked(config, point)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_class_whose_other_settings_are_stated_may_take_the_place_of_another(config: Path) -> None:
    checked(config, {"model.optimizer": "torch.optim.Adam", "model.optimizer.lr": 0.3})
    checked(config, {"model.optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.1}}})
    checked(config, {"model.optimizer": "torch.optim.SGD"})  # the config's own


def test_a_value_that_the_parser_makes_another_of_does_not_arrive(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.check.as_words", lambda point: ["--model.dropout=0.25"])
    with pytest.raises(InputError, match=r"model\.dropout: 0\.5 does not arrive: the run would have 0\.25"):
        checked(config, {"model.dropout": 0.5})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("val/acc", "max")),
        ({"checkpoint.monitor": "val/loss"}, ("val/loss", "min")),
        ({"checkpoint.monitor": "last"}, ("val/acc", "max")),
    ],
)
def test_what_decides_about_checkpoints_counts(settings: dict, expected: tuple[str, str], config: Path) -> None:
    found = checked(config, {"model.dropout": 0.1} | settings)
    assert (found["metric"], found["mode"]) == expected


def test_another_value_counts_if_it_is_named(config: Path) -> None:
    found = checked(config, {"model.dropout": 0.1}, metric="train/loss")
    assert (found["metric"], found["mode"]) == ("train/loss", "min")
    assert found["settings"]["model.dropout"] == 0.2
    assert "trainer.devices" not in found["settings"]


@pytest.mark.parametrize(
    ("metric", "reason"),
    [("val/bleu", "VGG does not log it; it logs val/loss, val/acc"), ("test/acc", "the test set selects nothing")],
)
def test_a_metric_that_is_not_logged_is_refused(metric: str, reason: str, config: Path) -> None:
    with pytest.raises(InputError, match=f"metric: {metric}: {reason}"):
        checked(config, {"model.dropout": 0.1}, metric=metric)


def test_no_test_figure_counts_of_a_module_that_lists_no_measures() -> None:
    """Its names may have a line in place of the slash."""
    for metric in ("test/acc", "test_acc"):
        with pytest.raises(InputError, match=f"metric: {metric}: the test set selects nothing"):
            check_metric(metric, "max", object(), None)
    assert check_metric("val_acc", "max", object(), None) == ("val_acc", "max")


class ReadsItsWeights(PlainModule):
    """A module whose constructor refuses what its weights hold."""

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.start = torch.full((1,), bias)
        if self.start.item() < 0:
            raise InputError("model.bias: below 0")


def test_weights_are_drawn_only_for_a_constructor_that_reads_them() -> None:
    words = ["fit", "--trainer.accelerator=cpu", f"--data={PlainData.__module__}.PlainData"]
    built = {}
    for name in ("tests.plain.PlainModule", f"{__name__}.ReadsItsWeights"):
        argv = [*words, f"--model={name}"]
        alone = SettingsAlone(parse_command_line(argv))
        built[name] = {weight.device.type for weight in alone.build_model(alone.settings, argv).parameters()}
    assert [*built.values()] == [{"meta"}, {"cpu"}]
    with pytest.raises(InputError, match=r"model\.bias: below 0"):
        check(argv, [{"model.bias": -1.0}], None, None)


def test_every_value_and_both_ends_are_tried() -> None:
    stated = {"a": {"values": [1, 2, 3]}, "b": {"min": 0.5, "max": 2.0}, "c": {"value": None}}
    found = examples(read_parameters(stated))
    assert found == [{"a": 1, "b": 0.5, "c": None}, {"a": 2, "b": 2.0, "c": None}, {"a": 3, "b": 0.5, "c": None}]


def test_words_keep_types() -> None:
    assert as_words({"a": None, "b": "x", "c": [1, "y"], "d": True}) == [
        "--a=null",
        "--b=x",
        '--c=[1, "y"]',
        "--d=true",
    ]
    assert flatten({"a": {"init_args": {"b": 1}}}) == {"a.b": 1}


def test_what_wandbs_agent_writes_into_a_file_is_the_same_run(config: Path, tmp_path: Path) -> None:
    """`--config ${args_json_file}`: a mapping of the parameters' names to their values."""
    settings = {"model.optimizer": SGD, "model.dropout": 0.0, "model.widths": [4, 4], "model.lr_scheduler": None}
    settings |= {"seed_everything": 3, "trainer.max_epochs": 2}
    (tmp_path / "args.json").write_text(json.dumps(settings))
    words = ["fit", "--config", str(config)]
    assert merged_settings([*words, "--config", "args.json"]) == merged_settings([*words, *as_words(settings)])
