"""A config that can come from anybody sends no figures away, unless the run is the user's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.settings.sending import is_own_run, note_own_run, own_runs_file, sending_loggers
from engine.settings.trust import note_own

Command = Callable[..., tuple[int, str, str]]
WANDB_LOGGER = "pytorch_lightning.loggers.WandbLogger"
EVIL = {
    "class_path": WANDB_LOGGER,
    "init_args": {"project": "theirs"},
    "dict_kwargs": {"settings": {"base_url": "http://127.0.0.1:9/"}},
}
TRAINING = ("--run_dir", "run", "--trainer.max_epochs", 1)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modes of the trackers that are made, in place of them; an account is there."""
    from tests.loggers import Told

    modes: list[str] = []

    def make(folder: Path, name: str, mode: str, *_: Any, **__: Any) -> Told:
        modes.append(mode)
        return Told()

    monkeypatch.setattr("engine.cli.command.wandb_logger", make)
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    return modes


def change(run: Path, **settings: Any) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    logger = settings.pop("logger", None)
    config |= settings
    if logger is not None:
        config["trainer"]["logger"] = logger
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.mark.parametrize(
    ("logger", "names"),
    [
        (None, []),
        (False, []),
        (EVIL, [WANDB_LOGGER]),
        ([{"class_path": "pytorch_lightning.loggers.CSVLogger"}, EVIL], [WANDB_LOGGER]),
        ([{"class_path": "pytorch_lightning.loggers.TensorBoardLogger"}], []),
        ("pytorch_lightning.loggers.MLFlowLogger", ["pytorch_lightning.loggers.MLFlowLogger"]),
    ],
)
def test_loggers_that_write_files_alone_send_nothing(logger: Any, names: list[str], tmp_path: Path) -> None:
    config = {"trainer": {"logger": logger}}
    assert sending_loggers(config) == names
    note_own_run(tmp_path, config)
    assert own_runs_file().exists() == bool(names) == is_own_run(tmp_path, config)


def test_a_run_is_its_users_own_with_what_it_sent_where(tmp_path: Path) -> None:
    config = {"wandb": "online", "wandb_entity": None, "model": {"a": 1}}
    note_own_run(tmp_path / "run", config)
    note_own_run(tmp_path / "run", config)
    assert len(own_runs_file().read_text().splitlines()) == 1
    assert is_own_run(tmp_path / "other" / ".." / "run", config | {"model": {"a": 2}})
    assert not is_own_run(tmp_path / "run", config | {"wandb_entity": "theirs"})
    assert not is_own_run(tmp_path / "run", config | {"trainer": {"logger": EVIL}})
    assert not is_own_run(tmp_path / "copy", config)


def test_a_list_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("a file in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    note_own({"wandb": "offline"}, tmp_path / "run")
    assert capsys.readouterr().out == ""
    note_own({"wandb": "online"}, tmp_path / "run")
    assert (
        "own_runs.txt cannot be written: continued, this run sends figures by --wandb online alone"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("subcommand", ["test", "fit"])
def test_a_strangers_run_is_not_sent(
    subcommand: str, finished_run: Callable[..., Path], made: list[str], command: Command
) -> None:
    run = finished_run()
    change(run, wandb="online", wandb_entity="theirs")
    words = (subcommand, "--ckpt_path", run, *(["--trainer.max_epochs", 2] if subcommand == "fit" else []))
    for _ in range(2):  # what was held back does not make it the user's own
        code, output, errors = command(*words)
        assert code == 0, errors
        assert "config.yaml: wandb online comes from this config and not from you, so figures stay in" in output
        words = ("test", "--ckpt_path", run)
    assert made == ["offline", "offline"]
    code, _, errors = command(*words, "--wandb", "online")
    assert code == 2
    assert "wandb_entity theirs is what this config says, not you; add --wandb_entity theirs" in errors
    code, _, errors = command(*words, "--wandb", "online", "--wandb_entity", "mine")
    assert code == 0, errors
    assert made[2:] == ["online"]


def test_a_users_own_run_stays_online(config: Path, made: list[str], command: Command) -> None:
    code, _, errors = command("fit", "--config", config, *TRAINING, "--wandb", "online", "--wandb_entity", "mine")
    assert code == 0, errors
    for words in (
        ("test", "--ckpt_path", "run"),
        ("fit", "--ckpt_path", "run", "--trainer.max_epochs", 2),
        ("fit", "--config", "run/config.yaml", "--run_dir", "again"),
        ("test", "--ckpt_path", "again"),
    ):
        code, output, errors = command(*words)
        assert code == 0, errors
        assert "and not from you" not in output
    assert made == ["online"] * 5


def test_what_the_users_own_config_says_is_done(
    finished_run: Callable[..., Path], made: list[str], command: Command
) -> None:
    run = finished_run()
    change(run, wandb="online")
    Path("mine.yaml").write_text("wandb: online\n")
    assert command("test", "--config", "mine.yaml", "--ckpt_path", run)[0] == 0
    assert command("test", "--ckpt_path", run, "--wandb", "off")[0] == 0
    assert made == ["online"]


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("given", [(), ("--trainer.logger", WANDB_LOGGER)])
def test_a_strangers_run_names_no_logger_that_sends(
    as_list: bool, given: tuple[str, ...], finished_run: Callable[..., Path], command: Command
) -> None:
    run = finished_run()
    change(run, logger=[EVIL] if as_list else EVIL)
    code, _, errors = command("test", "--ckpt_path", run, *given)
    assert code == 2
    assert f"{WANDB_LOGGER} sends figures to a server that the config names" in errors
    assert errors.count("\n") == 1
    code, _, errors = command("test", "--ckpt_path", run, "--trainer.logger", "false")
    assert code == 0, errors


def test_a_users_own_run_keeps_its_logger(tmp_path: Path, config: Path, command: Command) -> None:
    logger = {"class_path": WANDB_LOGGER, "init_args": {"offline": True, "save_dir": str(tmp_path / "logs")}}
    (tmp_path / "logs").mkdir()
    content = yaml.safe_load(config.read_text())
    content["trainer"] = {"logger": logger}
    config.write_text(yaml.safe_dump(content))
    code, output, errors = command("fit", "--config", config, *TRAINING)
    assert code == 0, errors
    assert output.splitlines()[-1].endswith("test --ckpt_path run")
    for words in (("test", "--ckpt_path", "run"), ("fit", "--ckpt_path", "run", "--trainer.max_epochs", 2)):
        code, _, errors = command(*words)
        assert code == 0, errors
    Path("run").rename("moved")
    assert command("test", "--ckpt_path", "moved")[0] == 2
    assert command("test", "--ckpt_path", "moved", "--trust")[0] == 0
    assert command("test", "--ckpt_path", "moved")[0] == 0
