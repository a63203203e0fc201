"""Every config can be run, and the README's notebook lines as well."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from engine.settings.config_names import CONFIGS, config_names
from tests.pictures import drawn_once
from tests.processes import ROOT
from tests.small_configs import cheapest


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("name", config_names())
def test_a_config_trains_a_step_in_its_cheapest_form(name: str, command: Callable, tmp_path: Path) -> None:
    config = yaml.safe_load((CONFIGS / name).read_text())
    code, _, errors = command(
        *("fit", "--config", name, "--run_dir", tmp_path / "run"),
        *cheapest(config),
        *("--trainer.max_steps", 1, "--trainer.accelerator", "cpu", "--trainer.devices", 1),
        *("--trainer.logger", "false"),
    )
    assert code == 0, errors
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()


@pytest.mark.parametrize("name", config_names())
def test_a_config_states_both_classes_and_says_how_to_run_it(name: str) -> None:
    text = (CONFIGS / name).read_text()
    config = yaml.safe_load(text)
    assert config["model"]["class_path"].startswith("lightning_modules.")
    assert config["data"]["class_path"].startswith("datamodules.")
    assert f"python cli.py fit --config {name}" in text


@pytest.mark.parametrize("name", config_names())
def test_a_config_says_what_it_reaches(name: str) -> None:
    header = (CONFIGS / name).read_text().partition("model:")[0]
    assert re.search(r"^# (Measured|Not yet run)", header, re.MULTILINE)


@pytest.mark.parametrize("name", config_names())
def test_a_recipe_that_is_called_the_best_has_been_run(name: str) -> None:
    text = (CONFIGS / name).read_text()
    assert "best recipe" not in text or re.search(r"^# Measured", text, re.MULTILINE)


def test_the_readmes_notebook_lines_train_and_leave_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: drawn_once(n // 20, **how)
    )
    exec(code, {})
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    assert {"metrics.csv", "summary.json", "curves.png", "checkpoints"} <= {path.name for path in run.iterdir()}
