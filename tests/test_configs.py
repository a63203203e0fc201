"""Every config can be run, and is known to the README."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from datamodules.images import Split
from datamodules.synthetic import synthetic_images
from engine.arguments import CONFIGS, config_names
from tests.processes import ROOT


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the synthetic source a few pictures."""

    def few(self: object) -> dict[str, Split]:
        images, targets = synthetic_images(80, seed=0)
        return {"train": Split(images[:60], targets[:60]), "test": Split(images[60:], targets[60:])}

    monkeypatch.setattr("datamodules.images.ImageDataModule.synthesize", few)


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.parametrize("name", config_names())
def test_a_config_trains_a_step_in_its_cheapest_form(name: str, command: Callable, tmp_path: Path) -> None:
    model = yaml.safe_load((CONFIGS / name).read_text())["model"]["init_args"]
    smaller = ["--model.widths", str([4 for _ in model["widths"]])] if "widths" in model else []
    code, _, errors = command(
        *("fit", "--config", name, "--run_dir", tmp_path / "run", "--data.source", "synthetic"),
        *("--data.batch_size", 10, "--data.val_size", 10_000, *smaller),
        *("--trainer.max_steps", 1, "--trainer.accelerator", "cpu", "--trainer.devices", 1),
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


def test_the_readme_lists_every_config() -> None:
    table = (ROOT / "README.md").read_text().partition("| config | what it is |")[2]
    listed = re.findall(r"^\| `([\w/]+\.yaml)` \|", table, re.MULTILINE)
    assert sorted(listed) == config_names()


def test_the_readmes_notebook_lines_train_and_leave_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.setattr("datamodules.images.synthetic_images", lambda n, **how: synthetic_images(n // 20, **how))
    exec(code, {})
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    assert {"metrics.csv", "summary.json", "curves.png", "checkpoints"} <= {path.name for path in run.iterdir()}
