"""What jsonargparse says in a hundred lines, in one that names the option."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.settings.error_messages import NO_OPTION, NO_PLACE, find_mistake, summarize_error

# jsonargparse 4.53's own words
NO_SUCH_OPTION = "Group 'trainer' does not accept option 'max_epoch'"
GROUP = "Parser key \"data\": Problem with given class_path 'a.B': Group 'c' does not accept option 'd'"
UNION = """\
Parser key "trainer.max_epochs":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'int'>, <class 'NoneType'>]
  Errors:
    - Expected a <class 'int'>. Got value: ten
    - Expected a <class 'NoneType'>. Got value: ten
  Given value type: <class 'str'>
  Given value: ten"""


def test_the_innermost_reason_is_what_is_left() -> None:
    assert summarize_error(UNION) == "--trainer.max_epochs ten: expected int"


@pytest.mark.parametrize(
    ("message", "key", "reason"),
    [
        (NO_SUCH_OPTION, "trainer.max_epoch", NO_OPTION),
        ("Unrecognized arguments: --wanbd offline", "wanbd", NO_OPTION),
        ("unrecognized arguments: 0.1", "0.1", NO_PLACE),
        (
            "Parser key \"data\": Problem with given class_path 'a.B': Group 'c' does not accept option 'd'",
            "data.c.d",
            NO_OPTION,
        ),
        ("Parser key \"steps\": Expected a <class 'int'>. Got value: ", "steps", "expected int"),
        ("argument --input: expected one argument", "input", "needs a value"),
        ("anything else", "", "anything else"),
    ],
)
def test_the_setting_that_a_message_is_about_is_known(message: str, key: str, reason: str) -> None:
    mistake = find_mistake(message)
    assert (mistake.key, mistake.reason) == (key, reason)


def test_a_missing_part_of_the_config_is_named() -> None:
    said = summarize_error("the following arguments are required: model, data")
    assert said == "the config names no model: it needs model: class_path: ..."


@pytest.mark.parametrize("message", ["one line", "two\n  lines"])
def test_what_is_not_the_parsers_stays_but_for_line_breaks(message: str) -> None:
    assert summarize_error(message) == " ".join(message.split())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--trainer.max_epochs", "ten"], ["--trainer.max_epochs ten", "int"]),
        (["--trainer.max_epoch", "1"], ["trainer.max_epoch", "no such option", "--trainer.max_epochs"]),
        (["--model.widths", "wide"], ["--model.widths wide"]),
        (["--model.droput", "0.1"], ["--model.droput", "no such option"]),
        (["--model.pool", "middle"], ["--model.pool middle", "'first', 'last'"]),
        (["--model.optimizer.lrr", "0.1"], ["lrr", "no such option"]),
        (["--model.optimizer", "SDG"], ["--model.optimizer", "SDG"]),
        (["--model.optimizer.lr", "fast"], ["--model.optimizer.lr", "float"]),
        (["--data.batch_size", "many"], ["--data.batch_size many", "int"]),
        (["--data.augmentation.flip", "upside"], ["flip", "upside", "'random'"]),
        (["--early_stopping.patience", "little"], ["--early_stopping.patience little", "int"]),
        (["--wandb", "on"], ["--wandb on", "'offline'"]),
        (["--model", "lightning_modules.VGGG"], ["--model", "VGGG"]),
        (["--model.widths", "[0, 1]"], ["widths and convolutions are at least 1"]),
        (["--data.batch_size", "0"], ["data.batch_size is 0: at least 1 is needed"]),
        (["--model.num_classes", "7"], ["model.num_classes cannot be set: the data gives it"]),
        (["--freeze.layers", "[nothing]"], ["--freeze.layers nothing: matches none of stages.0.0"]),
        (["--checkpoint.monitor", "test/acc"], ["--checkpoint.monitor test/acc: the test set selects nothing"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0].startswith("--") else "",
)
def test_a_wrong_flag_is_answered_in_one_line_that_names_it(
    flags: list[str], said: list[str], config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, errors = command("fit", "--config", config, *flags)
    assert code == 2, errors
    assert len(errors.splitlines()) == 1, errors
    assert len(errors) < 300, errors
    for words in said:
        assert words in errors, errors
    assert not (tmp_path / "runs").exists()


def test_a_name_of_several_classes_names_them() -> None:
    message = (
        'Parser key "trainer.callbacks": Does not validate against any of the Union subtypes Subtypes: [list, int] '
        "Errors: - Expected a <class 'list'> - Multiple subclasses with name EarlyStopping. Give the full class path "
        "to avoid ambiguity: pytorch_lightning.callbacks.EarlyStopping, callbacks.EarlyStopping. - Expected a "
        "<class 'NoneType'> Given value type: <class 'str'> Given value: EarlyStopping"
    )
    assert summarize_error(message) == (
        "--trainer.callbacks EarlyStopping: several classes have this name; give one of "
        "pytorch_lightning.callbacks.EarlyStopping, callbacks.EarlyStopping"
    )
