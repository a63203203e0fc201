"""A study's file and folder that come from somebody else run no code of theirs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def strangers_code(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that leaves a file when it is imported; returns that file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "strangers_code.py").write_text("from pathlib import Path\nPath(__file__).with_name('executed').touch()")
    monkeypatch.syspath_prepend(str(folder))
    return folder / "executed"


def test_a_file_beside_runs_names_no_code_of_others(
    write_study: Callable[..., Path], started: list, strangers_code: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "study.json").write_text("{}")
    words = ["fit", "--config", "tiny.yaml", "--trainer.callbacks+=strangers_code.C", "--config", "${args_json_file}"]
    for content in ({"parameters": {"model.optimizer": {"values": ["strangers_code.Opt"]}}}, {"command": words}):
        code, _, errors = command("study", write_study(**content))
        assert code == 2
        assert "add --trust" in errors
    code, _, errors = command("study", write_study(command=[*words[:3], "--trust", *words[4:]]))
    assert code == 2
    assert "--trust is for the one who begins the study" in errors
    assert not strangers_code.exists()
    assert started == []


LOGGER = "pytorch_lightning.loggers.WandbLogger"


@pytest.mark.parametrize(
    ("options", "parameters", "told"),
    [
        (["--wandb", "online"], {}, "--wandb online"),
        (["--wandb=online", "--wandb_entity", "theirs"], {}, "--wandb online"),
        (["--trainer.logger", LOGGER], {}, "WandbLogger"),
        (["--trainer.logger=WandbLogger"], {}, "WandbLogger"),
        ([], {"wandb": {"value": "online"}}, "--wandb online"),
        ([], {"trainer.logger": {"values": [LOGGER, False]}}, "WandbLogger"),
    ],
)
def test_a_file_beside_runs_sends_no_figures(
    options: list[str],
    parameters: dict,
    told: str,
    write_study: Callable[..., Path],
    started: list,
    command: Command,
    tmp_path: Path,
) -> None:
    (tmp_path / "study.json").write_text("{}")
    words = ["fit", "--config", "tiny.yaml", *options, "--config", "${args_json_file}"]
    parameters = {"model.optimizer.lr": {"values": [0.1]}} | parameters
    code, _, errors = command("study", write_study(command=words, parameters=parameters))
    assert code == 2
    assert f"{told} would send figures away; if you trust who wrote it, add --trust" in errors
    assert started == []


def test_a_file_beside_runs_may_keep_figures(
    write_study: Callable[..., Path], started: list, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "study.json").write_text("{}")
    options = ["--wandb", "offline", "--trainer.logger", "pytorch_lightning.loggers.CSVLogger"]
    options += ["--trainer.logger.save_dir", "logs"]
    words = ["fit", "--config", "tiny.yaml", *options, "--config", "${args_json_file}"]
    code, _, errors = command("study", write_study(command=words), "--dry_run")
    assert code == 0, errors


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model.optimizer.lr": 0.1, "trainer.callbacks": ["strangers_code.C"]}, "trainer.callbacks"),
        ({"model.optimizer.lr": {"class_path": "strangers_code.C"}}, "strangers_code.C"),
    ],
)
def test_a_trial_sets_what_the_file_varies_and_nothing_else(
    settings: dict,
    told: str,
    write_study: Callable[..., Path],
    started: list,
    strangers_code: Path,
    command: Command,
    tmp_path: Path,
) -> None:
    study = tmp_path / "runs" / "studies" / "lr"
    path = write_study()
    assert command("study", path, "--trainer.max_epochs", 1, "--trainer.logger", "false")[0] == 0
    (first, *_) = sorted(study.glob("0000-*"))
    trial = json.loads((first / "trial.json").read_text())
    (first / "trial.json").write_text(json.dumps(trial | {"settings": settings, "ended": None}))
    started.clear()
    code, _, errors = command("study", path, "--trainer.max_epochs", 1, "--trainer.logger", "false")
    assert code == 2
    assert f"sets {told}, which the study's file does not vary" in errors
    assert not strangers_code.exists()
    assert started == []
