"""The settings of a run: each that matters is compared, and a config that states others has other records."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from core.errors import InputError
from results.__main__ import FOLDER
from results.rows import Recipe
from results.settings import check_settings, digest, merged
from results.table_file import read_table
from tests.tiny import TINY_CONFIG

TABLE = read_table(FOLDER / "table.yaml")
CALLBACK = {"class_path": "pytorch_lightning.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}}


MISSING = object()


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A row of the tiny config, with averaged weights."""
    content = yaml.safe_load(TINY_CONFIG)
    content["trainer"]["callbacks"] = [CALLBACK]
    config = tmp_path_factory.mktemp("settings") / "tiny.yaml"
    config.write_text(yaml.safe_dump(content))
    measure = next(iter(TABLE)).measure
    return Recipe(id="tiny", network="a net", config=str(config), seeds=[42], minutes=1, measure=measure)


@pytest.fixture(scope="module")
def everything(row: Recipe) -> dict[str, object]:
    """All settings of the row."""
    return merged(row)


@pytest.fixture
def recorded(
    everything: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, object]], Path]:
    """Writes the config that a run of the row records, with changes by dotted key, some of them MISSING."""
    monkeypatch.setattr("results.settings.merged", lambda row: everything | row.options)  # takes a while each time

    def write(changes: dict[str, object]) -> Path:
        path = tmp_path / "recorded.yaml"
        settings = everything | changes
        path.write_text(yaml.safe_dump({key: value for key, value in settings.items() if value is not MISSING}))
        return path

    return write


def test_a_run_of_the_row_passes(row: Recipe, recorded: Callable) -> None:
    check_settings(row, recorded({}), TABLE.retired)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.dropout", 0.9),  # a default
        ("model.optimizer.weight_decay", 0.3),
        ("model.lr_scheduler.class_path", "lightning_modules.schedules.WarmupLinear"),
        ("data.val_size", 0),
        ("data.augmentation.cutout", 8),
        ("trainer.callbacks", None),
        ("trainer.callbacks", [CALLBACK | {"init_args": {"decay": 0.5}}]),
        ("trainer.gradient_clip_val", 1.0),
        ("early_stopping.patience", 3),
        ("freeze.layers", ["stages"]),
        ("test_subset.first", 10),
        ("checkpoint.monitor", "val/loss"),
        ("model.no_such_setting", 1),
        ("weights", "elsewhere"),
    ],
)
def test_a_run_with_another_setting_does_not(key: str, value: object, row: Recipe, recorded: Callable) -> None:
    with pytest.raises(InputError, match=f"--{key} is .*, where tiny has "):
        check_settings(row, recorded({key: value}), TABLE.retired)


def test_a_run_lacks_no_setting_that_the_config_states(row: Recipe, recorded: Callable) -> None:
    with pytest.raises(InputError, match=r"--trainer\.max_epochs is None, where tiny has "):
        check_settings(row, recorded({"trainer.max_epochs": MISSING}), TABLE.retired)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.data_dir", "/home/me/pictures"),
        ("data.eval_batch_size", 7),
        ("trainer.enable_progress_bar", False),
        ("wandb", "offline"),
        ("nan_guard.enabled", False),
        ("seed_everything", 5),
        ("model.label_smoothing", MISSING),  # newer than the run
        ("model.norm_lr_factor", 1.0),
    ],
)
def test_what_makes_no_other_run_may_differ(key: str, value: object, row: Recipe, recorded: Callable) -> None:
    check_settings(row, recorded({key: value}), TABLE.retired)


def test_all_settings_are_those_of_config_and_options_and_the_defaults(row: Recipe) -> None:
    settings = merged(replace(row, options={"trainer.max_steps": 7}))
    assert (settings["trainer.max_steps"], settings["model.dropout"], settings["freeze.layers"]) == (7, 0.2, None)


def test_options_are_settings(row: Recipe, recorded: Callable) -> None:
    short = replace(row, options={"trainer.max_steps": 7})
    check_settings(short, recorded({"trainer.max_steps": 7}), TABLE.retired)
    with pytest.raises(InputError, match=r"--trainer\.max_steps is -1, where tiny has 7"):
        check_settings(short, recorded({}), TABLE.retired)


def test_one_batch_is_not_all_batches(row: Recipe, recorded: Callable) -> None:
    for ours, theirs in ((1, 1.0), (1.0, 1)):
        share = replace(row, options={"trainer.limit_train_batches": ours})
        check_settings(share, recorded({"trainer.limit_train_batches": ours}), TABLE.retired)
        reason = rf"--trainer\.limit_train_batches is {theirs}, where tiny has {ours}$"
        with pytest.raises(InputError, match=reason):
            check_settings(share, recorded({"trainer.limit_train_batches": theirs}), TABLE.retired)


def test_published_weights_are_those_that_the_row_states(row: Recipe, recorded: Callable) -> None:
    published = replace(row, options={"weights": "pretrained:a"})
    check_settings(published, recorded({"weights": "pretrained:a"}), TABLE.retired)
    for other in (None, "pretrained:b"):
        with pytest.raises(InputError, match=r"--weights is .*, where tiny has pretrained:a"):
            check_settings(published, recorded({"weights": other}), TABLE.retired)
    assert digest(published) not in (digest(row), digest(replace(row, options={"weights": "pretrained:b"})))


def test_the_digest_is_of_the_settings_alone(row: Recipe, config: Path) -> None:
    content = yaml.safe_load(config.read_text())
    row = replace(row, config=str(config))
    before = digest(row)
    config.write_text("# A comment.\n" + yaml.safe_dump(content, sort_keys=False))
    content["data"].setdefault("init_args", {})["data_dir"] = "elsewhere"
    assert digest(replace(row, note="Another.")) == before
    config.write_text(yaml.safe_dump(content))
    assert digest(row) == before
    assert digest(replace(row, options={"trainer.max_steps": 7})) != before
    assert digest(replace(row, weights_from="other")) != before
    content["trainer"]["max_epochs"] = 77
    config.write_text(yaml.safe_dump(content))
    assert digest(row) != before
