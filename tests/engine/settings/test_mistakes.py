"""All mistakes in the settings at once, each with its place and what was meant."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny import TINY_CONFIG

Command = Callable[..., tuple[int, str, str]]

WRONG = TINY_CONFIG.replace("dropout: 0.2", "droput: 0.2").replace("momentum", "momentun")
WRONG = WRONG.replace("init_args:\n    augmentation", "init_args:\n    batch_size: many\n    augmentation")
WRONG = WRONG.replace("flip: random", "flipp: random").replace("max_epochs", "max_epoch") + "wandb: off\nfoo: 1\n"


def test_all_mistakes_of_a_file_are_told_with_their_lines(tmp_path: Path, command: Command) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    code, _, errors = command("fit", "--config", "wrong.yaml", "--lr", "0.1", "--epochs", 3)
    lines = {text: number for number, text in enumerate(WRONG.splitlines(), start=1)}

    def line(part: str) -> int:
        return next(number for text, number in lines.items() if part in text)

    no = "there is no such option"
    assert errors.splitlines() == [
        f"error: wrong.yaml, line {line('droput')}: model.droput: {no}; did you mean model.dropout?",
        f"error: wrong.yaml, line {line('momentun')}: model.optimizer.momentun: {no}; "
        "did you mean model.optimizer.momentum?",
        f"error: wrong.yaml, line {line('many')}: data.batch_size many: expected int",
        f"error: wrong.yaml, line {line('flipp')}: data.augmentation.flipp: {no}; did you mean data.augmentation.flip?",
        f"error: wrong.yaml, line {line('max_epoch')}: trainer.max_epoch: {no}; did you mean trainer.max_epochs?",
        f"error: wrong.yaml, line {line('wandb')}: wandb off: expected one of 'off', 'offline', 'online'; "
        "YAML reads off as true or false: write 'off', in quotes",
        f"error: wrong.yaml, line {line('foo')}: foo: {no}",
        f"error: --lr: {no}; did you mean --model.optimizer.lr?",
        f"error: --epochs: {no}; did you mean --trainer.max_epochs or --trainer.min_epochs?",
    ]
    assert code == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("data: {init_args: {data_dir: 2024}}", "data.data_dir 2024: expected str; YAML reads 2024 as a number: write"),
        ("weights: 1", "weights 1: expected str; YAML reads 1 as a number: write '1', in quotes"),
        ("run_dir: yes", "run_dir yes: expected str; YAML reads yes as true or false: write 'yes', in quotes"),
        ("seed_everything: 1.5", "seed_everything 1.5: expected bool or int"),
        ("trainer: {max_epochs: 3.0}", "trainer.max_epochs 3.0: expected int"),
        ("model: {class_path: VGGG}", "model VGGG: there is no such class; did you mean lightning_modules.VGG?"),
        ("trainer: {callbacks: [EarlyStoping]}", "callbacks EarlyStoping: there is no such class; did you mean"),
        ("model: {init_args: {dropout: .nan}}", "model.dropout .nan: a number is needed"),
        ("data: {init_args: {split_seed: 1" + 30 * "0" + "}}", "at most 9,223,372,036,854,775,807 is possible"),
        ("model: {init_args: {widths: [8, 1" + 30 * "0" + "]}}", "at most 9,223,372,036,854,775,807 is possible"),
        ("trainer:  # all of it commented out", "trainer: has no settings below it: leave it out"),
        ("seed_everything: 1\nmodel:", "model: has no settings below it: leave it out"),
        ("views: null", "views null: has no settings below it: leave it out"),
        ("trainer:\n  callbacks:\n  - class_path: LearningRateMonitor\n    init_args: {x: 1}", "trainer.callbacks.x:"),
    ],
)
def test_a_wrong_value_in_a_file_is_told_with_its_line_and_the_way_out(
    text: str, answer: str, config: Path, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "more.yaml").write_text(f"# first line\n{text}\n")
    code, _, errors = command("fit", "--config", config, "--config", tmp_path / "more.yaml")
    number = 1 + len(text.splitlines())
    assert errors.startswith(f"error: more.yaml, line {number}: "), errors
    assert answer in errors
    assert len(errors.splitlines()) == 1
    assert code == 2


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--model.dropout", "0.1", "0.2"], "0.2: belongs to no option"),
        (["--model.dropout", "0.1", "vgg_bn.yaml"], "vgg_bn.yaml: belongs to no option; did you mean --config vgg_bn"),
        (["--model.dropout", "0.1", "model.dropout=0.2"], "options begin with two dashes: --model.dropout=0.2"),
        (["--model.zzzzzz", "1"], "--model.zzzzzz: there is no such option of VGG; '"),
        (["--model.zzzzzz", "1"], " fit --model.help lightning_modules.VGG' lists them"),
        (["--model.optimizer.zzzz", "1"], "--model.optimizer.zzzz: there is no such option of SGD"),
        (["--model.dropout"], "error: --model.dropout: needs a value"),
        (["--model.optimizer.lr", "--model.dropout", "0.1"], "error: --model.optimizer.lr: needs a value"),
        (["--seed_everything", "1", "--trainer.max_epochs"], "error: --trainer.max_epochs: needs a value"),
        (["--model.widths", "8"], "--model.widths 8: expected a list, which is written in brackets: '[8]'"),
        (["--model.widths", ""], "--model.widths '': expected a list, which is written in brackets: '[...]'"),
        (["--model.widths", "{a: 1}"], "expected a list, which is written in brackets: '[...]'"),
        (["--model.dropout", ""], "--model.dropout '': expected float"),
        (["--freeze.stages", "stem"], "--freeze.stages stem: expected a mapping such as '{name: value}', with a"),
        (["--data.augmentation", "{flip:none}"], "expected a mapping such as '{name: value}', with a blank after"),
        (["--data.augmentation", "{flipp: none}"], "--data.augmentation.flipp: there is no such option; did you mean"),
        (["--trainer.callbacks", "EarlyStoping"], "there is no such class; did you mean callbacks.EarlyStopping"),
        (["--model.optimizer.class_path", "torch.optim.SGDD"], "error: --model.optimizer: module 'torch.optim' has"),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(words: list[str], answer: str, config: Path, command: Command) -> None:
    code, _, errors = command("fit", "--config", config, *words)
    assert answer in errors
    assert len(errors.splitlines()) == 1, errors
    assert code == 2


def test_a_config_that_is_read_already_is_not_suggested(tmp_path: Path, command: Command) -> None:
    """Such as that of a new network, whose class nothing names yet."""
    (tmp_path / "vgg_bn.yaml").write_text(TINY_CONFIG.replace("lightning_modules.VGG", "lightning_modules.VGG_BN"))
    code, _, errors = command("fit", "--config", "./vgg_bn.yaml")
    assert code == 2
    assert "did you mean lightning_modules.VGG?" in errors


def test_a_module_that_fails_as_it_is_imported_is_told_with_its_line(tmp_path: Path, command: Command) -> None:
    (tmp_path / "broken_code.py").write_text("import torch\n\nNet = torch.nn.Linar\n")
    code, _, errors = command("fit", "--model", "broken_code.Net", "--data", "tests.tiny.TinyDataModule")
    assert code == 2
    assert "importing broken_code fails at broken_code.py:3: AttributeError: module 'torch.nn' has no" in errors
    assert errors.count("\n") == 1


def test_a_class_within_a_list_is_answered_as_one_by_itself(command: Command) -> None:
    listed = "[{class_path: tests.tiny.Slow}, {class_path: tests.tiny.Sloww}]"
    words = ("--model", "lightning_modules.VGG", "--data", "tests.tiny.TinyDataModule", "--trainer.callbacks", listed)
    code, _, errors = command("fit", *words)
    assert code == 2
    assert errors.startswith("error: --trainer.callbacks tests.tiny.Sloww: module 'tests.tiny' has no attribute")
    assert errors.endswith("; did you mean tests.tiny.Slow?\n")
