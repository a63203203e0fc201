"""Weights & Biases: asked for, told once, and never without an account."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import wandb

from core.errors import InputError, RunFailed, RunInterrupted
from engine.runs import tracking
from engine.runs.run_files import _damage_of_id
from engine.runs.tracking import Names, check_account, check_tracking, wandb_logger
from engine.runs.wandb_files import read_records


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any account; returns it."""
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_BASE_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_online_without_an_account_is_refused(nobody: Path) -> None:
    with pytest.raises(InputError, match=r"no account is configured; run `wandb login` first, or .* --wandb offline"):
        check_account()


def test_a_key_in_the_environment_is_an_account(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    check_account()


@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_a_stored_key_is_an_account(name: str, nobody: Path) -> None:
    (nobody / name).write_text("machine api.wandb.ai\n  login user\n  password secret\n")
    (nobody / name).chmod(0o600)
    check_account()


def test_a_stored_key_may_stand_elsewhere_and_be_for_another_server(
    nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nobody / "keys").write_text("machine wandb.lab.org\n  login user\n  password secret\n")
    (nobody / "keys").chmod(0o600)
    monkeypatch.setenv("NETRC", str(nobody / "keys"))
    with pytest.raises(InputError):
        check_account()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.lab.org")
    check_account()


@pytest.mark.parametrize("content", ["machine github.com login a password b\n", "broken [\n", ""])
def test_a_netrc_without_such_a_key_is_no_account(content: str, nobody: Path) -> None:
    (nobody / ".netrc").write_text(content)
    (nobody / ".netrc").chmod(0o600)
    with pytest.raises(InputError):
        check_account()


@pytest.mark.parametrize("name", ["project", "group", "tags", "entity", "name"])
def test_names_for_a_run_that_is_not_tracked_are_refused(name: str, config: Path, command: Callable) -> None:
    flag = f"--wandb_{name}"
    given = ("fit", "--config", config, flag, "[a]" if name == "tags" else "a", "--run_dir", "run")
    code, _, errors = command(*given)
    assert (code, errors) == (
        2, f"error: {flag}: nothing is tracked without --wandb; add --wandb offline, or --wandb online\n"
    )  # fmt: skip
    assert not Path("run").exists()
    check_tracking("off", {f"wandb_{name}", "wandb"})  # switched off for once
    check_tracking("off", set())  # a config may name it
    check_tracking("offline", {f"wandb_{name}"})


def test_the_command_refuses_before_a_folder_is_made(
    config: Path, nobody: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, errors = command("fit", "--config", config, "--wandb", "online")
    assert code == 2
    assert "wandb login" in errors
    assert not (nobody / "runs").exists()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The settings of the loggers that are made, in place of them."""
    for variable in ("WANDB_PROJECT", "WANDB_NAME"):
        monkeypatch.delenv(variable, raising=False)
    loggers: list[dict] = []
    monkeypatch.setattr(tracking, "RunLogger", lambda first_step, **settings: loggers.append(settings))
    return loggers


def test_a_run_keeps_its_id(tmp_path: Path, made: list[dict]) -> None:
    for _ in range(2):
        wandb_logger(tmp_path, "vgg", "offline", {"a": 1}, Names())
    assert made[0] == made[1]
    assert (tmp_path / tracking.WANDB_ID).read_text().split() == [made[0]["id"], "primer", made[0]["name"]]
    assert made[0]["offline"]
    assert made[0]["save_dir"] == tmp_path
    assert made[0]["name"] == f"vgg/{tmp_path.name}"


def test_a_run_keeps_its_name_whatever_continues_it(tmp_path: Path, made: list[dict]) -> None:
    """Without a config, one that goes on is called by the folder around it."""
    for config_name, given in (("vgg", None), ("runs", None), ("runs", "mine"), ("runs", None)):
        wandb_logger(tmp_path, config_name, "offline", {}, Names(name=given))
    assert [one["name"] for one in made] == [f"vgg/{tmp_path.name}"] * 2 + ["mine"] * 2


def test_a_run_stays_in_its_project(tmp_path: Path, made: list[dict]) -> None:
    wandb_logger(tmp_path, "vgg", "offline", {}, Names(project="mine"))
    wandb_logger(tmp_path, "vgg", "offline", {}, Names())
    (tmp_path / tracking.WANDB_ID).write_text("an-id\n")  # as an earlier release wrote it, in the config's project
    wandb_logger(tmp_path, "vgg", "offline", {}, Names())
    assert [settings["project"] for settings in made] == ["mine", "mine", "vgg"]
    assert made[2]["id"] == "an-id"


def test_environment_variables_come_after_options(
    tmp_path: Path, made: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "of-the-environment")
    monkeypatch.setenv("WANDB_NAME", "named")
    (tmp_path / "a").mkdir()
    wandb_logger(tmp_path, "vgg", "offline", {}, Names())
    wandb_logger(tmp_path / "a", "vgg", "offline", {}, Names(project="given", name="too"))
    assert [(settings["project"], settings["name"]) for settings in made] == [
        ("of-the-environment", "named"),
        ("given", "too"),
    ]


def test_a_run_of_a_sweep_goes_on_where_the_sweep_has_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B takes id, project and account of the agent that runs it, whatever it is given."""
    begun: list[dict] = []

    def begin(**settings: object) -> SimpleNamespace:
        begun.append(settings)
        return SimpleNamespace(id="of-the-sweep", project="sweeps", entity="team", sweep_id="a", step=0)

    monkeypatch.setattr(wandb, "init", begin)
    for _ in range(2):
        assert wandb_logger(tmp_path, "vgg", "online", {}, Names()).experiment.project == "sweeps"
        assert _damage_of_id((tmp_path / tracking.WANDB_ID).read_text()) == ""
    wandb_logger(tmp_path, "runs", "online", {}, Names(entity="mine")).experiment  # noqa: B018
    places = [(one["id"], one["project"], one.get("entity"), one["name"]) for one in begun]
    name = f"vgg/{tmp_path.name}"
    assert places[1:] == [("of-the-sweep", "sweeps", "team", name), ("of-the-sweep", "sweeps", "mine", name)]
    assert places[0][1:] == ("primer", None, name)
    wandb_logger(tmp_path, "runs", "online", {}, Names(), is_own=False).experiment  # noqa: B018
    assert begun[-1].get("entity") is None, "a stranger's run does not say whose account is sent its figures"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (Names(project="a/b"), "--wandb_project: Invalid project name 'a/b': cannot contain characters"),
        (Names(tags=["x" * 80]), "--wandb_tags: Tag 'xxx"),
    ],
)
def test_a_name_that_cannot_be_is_told_by_its_option(names: Names, said: str, tmp_path: Path) -> None:
    logger = wandb_logger(tmp_path, "vgg", "offline", {}, names)
    with pytest.raises(InputError) as caught:
        _ = logger.experiment
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_key_that_cannot_be_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise wandb.errors.AuthenticationError("API key must have\n40+ characters, has 3.")

    monkeypatch.setattr(wandb, "init", refuse)
    logger = wandb_logger(tmp_path, "vgg", "online", {}, Names())
    said = "--wandb: API key must have 40+ characters, has 3; keep it local with --wandb offline"
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        _ = logger.experiment


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (RuntimeError("a mistake"), 1),
        (RunFailed("no space is left"), 1),
        (RunInterrupted(signal.SIGTERM), 143),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_run_says_at_its_end_whether_it_failed(
    error: BaseException | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W&B showed each as finished."""
    told: list[int] = []

    def finish(exit_code: int) -> None:
        told.append(exit_code)
        monkeypatch.setattr(wandb, "run", None)

    monkeypatch.setattr(wandb, "finish", finish)
    monkeypatch.setattr(wandb, "run", "a run")
    tracking.finish_tracking(error)
    tracking.finish_tracking()
    assert told == [code], "once"


def test_a_command_that_fails_says_so(config: Path, command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[BaseException | None] = []

    def fail(*_: object, **__: object) -> None:
        raise RunFailed("no space is left")

    monkeypatch.setattr("engine.cli.command.finish_tracking", lambda error=None: told.append(error))
    monkeypatch.setattr("engine.trainer.Trainer.fit", fail)
    assert command("fit", "--config", config, "--run_dir", "run")[0] == 1
    assert str(told[0]) == "no space is left"


def test_a_folder_may_have_what_an_id_has_not(tmp_path: Path, made: list[dict]) -> None:
    folder = tmp_path / "a:b#c?d'e"
    folder.mkdir()
    wandb_logger(folder, "vgg", "offline", {}, Names())
    assert made[0]["id"].startswith("a-b-c-d-e-")


def test_every_name_can_be_given(config: Path, made: list[dict], command: Callable[..., tuple[int, str, str]]) -> None:
    given = {"project": "p", "group": "g", "tags": ["a", "b"], "entity": "e", "name": "n"}
    flags = [word for key, value in given.items() for word in (f"--wandb_{key}", "[a,b]" if key == "tags" else value)]
    command("fit", "--config", config, "--wandb", "offline", *flags, "--trainer.max_epochs", 1)
    assert given.items() <= made[0].items()


def test_an_offline_run_holds_the_merged_config_once_and_what_is_watched(
    config: Path, tmp_path: Path, nobody: Path, command: Callable[..., tuple[int, str, str]], monkeypatch
) -> None:
    """W&B had no full config, or had it twice."""
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    flags = ("--model.dropout", 0.15, "--trainer.max_epochs", 1, "--wandb", "offline", "--run_dir", "run")
    code, _, errors = command("fit", "--config", config, *flags, "--watch.histograms", "true")
    assert code == 0, errors
    wandb.teardown()  # as a process does at its end
    (path,) = (tmp_path / "run").rglob("*.wandb")
    told = _config(path)
    assert set(told) - {"_wandb"} >= {"model", "data", "trainer", "seed_everything"}
    assert told["model"]["init_args"]["dropout"] == 0.15
    assert told["model"]["init_args"]["optimizer"]["init_args"]["lr"] == 0.05
    assert "dropout" not in told
    assert not any("/" in key for key in told)
    shown = {
        item.key or "/".join(item.nested_key): json.loads(item.value_json)
        for _, record in read_records(path)
        for item in record.history.item
    }
    assert shown["inputs/_type"] == shown["layers/_type"] == "images/separated"
    for kind in ("weights", "gradients", "activations"):
        place = f"{kind}/stages.0.0{'' if kind == 'activations' else '.weight'}"
        assert sum(shown[f"{place}/values"]) > 0


def _config(path: Path) -> dict:
    """Returns the configuration in a W&B file; each of its keys must have been told once."""
    told: dict[str, object] = {}
    for _, record in read_records(path):
        for part in (record.run.config, record.config):
            for item in part.update:
                key = item.key or "/".join(item.nested_key)
                assert key.startswith("_wandb") or key not in told, f"{key} was told twice"
                told[key] = json.loads(item.value_json)
    return told
