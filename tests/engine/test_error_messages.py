"""What jsonargparse says in a hundred lines, in one that names the option."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.error_messages import summarize_error

# jsonargparse 4.53's own words
NO_SUCH_OPTION = "Subcommand 'fit' does not accept option 'trainer.max_epoch'"
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


def test_an_unknown_option_is_answered_with_the_nearest() -> None:
    options = ("--trainer.max_epochs", "--trainer.max_steps", "--model.depth")
    said = summarize_error(NO_SUCH_OPTION, options)
    assert said.startswith("trainer.max_epoch: there is no such option; did you mean --trainer.max_epochs")
    assert "--model.depth" not in said
    unrecognized = summarize_error("Unrecognized arguments: --wanbd offline", ["--wandb"])
    assert unrecognized == "--wanbd: there is no such option; did you mean --wandb?"


def test_a_missing_part_of_the_config_is_named() -> None:
    said = summarize_error("the following arguments are required: fit.model")
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
