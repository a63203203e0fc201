"""Every config can be run, and the README's notebook lines as well."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from jsonargparse import Namespace, _core, _namespace, _subcommands
from jsonargparse import _typehints as typehints

import lightning_modules
from engine.settings.config_files import read_config
from engine.settings.config_names import CONFIGS, MAIN, config_names
from tests.pictures import drawn_once
from tests.processes import ROOT
from tests.small_configs import as_config, cheapest

MODELS = {name: read_config(CONFIGS / name)["model"]["class_path"] for name in config_names()}
FIRST_OF_A_MODEL = {model: name for name, model in reversed(MODELS.items())}.values()


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("name", config_names())
def test_a_config_trains_a_step_in_its_cheapest_form(name: str, command: Callable, tmp_path: Path) -> None:
    config = read_config(CONFIGS / name)
    code, _, errors = command(
        *("fit", "--config", name, "--config", as_config(cheapest(config), tmp_path / "small.yaml")),
        *("--run_dir", tmp_path / "run"),
        *("--trainer.max_steps", 1, "--trainer.accelerator", "cpu", "--trainer.devices", 1),
        *("--trainer.logger", "false"),
    )
    assert code == 0, errors
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    assert best.exists()
    if name in FIRST_OF_A_MODEL:
        model = getattr(lightning_modules, config["model"]["class_path"].split(".")[1])
        weights = torch.load(best, weights_only=True)["state_dict"]
        loaded = model.load_from_checkpoint(best, weights_only=True).state_dict()
        torch.testing.assert_close(loaded, weights, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", MAIN)
def test_settings_that_are_kept_are_those_that_are_parsed_anew(
    name: str, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests' commands parse equal settings of a class once, and look for names quickly (`tests/parsed_once.py`)."""
    asked = ("fit", "--config", name, "--model.optimizer.lr", 0.5, "--print_config")
    first, kept = command(*asked), command(*asked)
    monkeypatch.setattr(typehints, "adapt_class_type", typehints.adapt_class_type.__wrapped__)
    monkeypatch.setattr(Namespace, "_parse_key", Namespace._parse_key.__wrapped__)
    for module in (_core, _namespace):
        monkeypatch.setattr(module, "recreate_branches", module.recreate_branches.__wrapped__)
    for module in (_core, _subcommands):
        for looked_up in ("find_action_and_subcommand", "is_branch_key"):
            monkeypatch.setattr(module, looked_up, getattr(module, looked_up).__wrapped__)
    assert command(*asked) == kept == first
    assert first[0] == 0


def test_a_config_states_both_classes_and_says_how_to_run_it() -> None:
    for name in config_names():
        config = read_config(CONFIGS / name)
        assert config["model"]["class_path"].startswith("lightning_modules."), name
        assert config["data"]["class_path"].startswith("datamodules."), name
        assert f"python cli.py fit --config {name}" in (CONFIGS / name).read_text(), name


def test_a_config_says_what_it_reaches_and_is_called_the_best_if_it_has_been_run() -> None:
    for name in config_names():
        text = (CONFIGS / name).read_text()
        header = text.partition("model:")[0]
        assert re.search(r"^# (Measured|Not yet run)", header, re.MULTILINE), name
        has_run = re.search(r"^# Measured", text, re.MULTILINE)
        assert has_run or "best recipe" not in text, name
        assert not has_run or "untried" not in text, name


def test_the_readmes_notebook_lines_train_and_leave_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: drawn_once(n // 20, **how)
    )
    exec(code, {})
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    assert {"metrics.csv", "summary.json", "curves.png", "checkpoints"} <= {path.name for path in run.iterdir()}
