"""The recorded config of a run, which can come from anybody, runs no code that its reader does not trust."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from core.code.known_code import is_known, list_file
from core.errors import InputError
from engine.judges import read_judge
from engine.settings.overview import SUBCOMMANDS, TOOLS
from engine.settings.trust import needs_trust, refuse_foreign_code
from tests.generated import GAN_CONFIG
from tests.tiny import TINY_CONFIG

Command = Callable[..., tuple[int, str, str]]
CODE = """\
from pathlib import Path

from lightning_modules import VGG

Path(__file__).with_name("executed").touch()


class Net(VGG): ...
"""


def executed() -> list[Path]:
    return [*Path.cwd().rglob("executed")]


@pytest.fixture
def foreign(
    finished_run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Path]]:
    """Returns a stranger's run, given the class path that its config names; code lies in it and beside it."""

    def make(name: str, key: str = "lightning_modules.VGG") -> Path:
        run = finished_run()
        text = (run / "config.yaml").read_text()
        assert key in text
        (run / "config.yaml").write_text(text.replace(key, name))
        for folder in (run, tmp_path):
            (folder / "strangers_code.py").write_text(CODE)
        return run

    monkeypatch.setattr("sys.path", [path for path in sys.path if not Path(path).is_relative_to(tmp_path.parent)])
    yield make
    sys.modules.pop("strangers_code", None)


WAYS = {
    **{name: (name, "--ckpt_path", "run") for name in ("fit", "validate", "test", "predict", "inspect", "serve")},
    "inspect RUN": ("inspect", "run"),
    "export": ("export", "--ckpt_path", "run", "--output", "x.safetensors"),
    "checkpoint": ("test", "--ckpt_path", "run/checkpoints/last.ckpt"),
    "latest": ("test", "--ckpt_path", "."),
    "config": ("fit", "--config", "run/config.yaml"),
    "range test": ("lr_find", "--config", "run/config.yaml"),
    "help": ("fit", "--config", "run/config.yaml", "--model.help"),
    "seeds": ("fit", "--config", "run/config.yaml", "--seeds", "1,2"),
    "study": ("study", "study.yaml"),
    "beside a checkpoint": ("test", "--config", "apart/config.yaml", "--ckpt_path", "apart/some.ckpt"),
    "own config over it": ("test", "--config", "tiny.yaml", "--ckpt_path", "run"),
}
HARMLESS = {"runs", "compare", "report", "new", "completion"}  # which build nothing that a config names


def test_every_command_is_a_way_or_harmless() -> None:
    assert {words[0] for words in WAYS.values()} | HARMLESS == {*SUBCOMMANDS, *TOOLS}


@pytest.mark.parametrize("way", WAYS)
def test_no_command_runs_code_that_a_run_names(way: str, foreign: Callable[[str], Path], command: Command) -> None:
    run = foreign("strangers_code.Net")
    Path("apart").mkdir()
    for name, to in (("config.yaml", "config.yaml"), ("checkpoints/last.ckpt", "some.ckpt")):
        shutil.copy(run / name, Path("apart", to))
    Path("tiny.yaml").write_text(TINY_CONFIG)
    command_of_study = ["fit", "--config", "run/config.yaml", "--config", "${args_json_file}"]
    study = {"command": command_of_study, "method": "grid", "parameters": {"model.dropout": {"values": [0.1]}}}
    Path("study.yaml").write_text(yaml.safe_dump(study))
    code, _, errors = command(*WAYS[way])
    assert code == 2
    assert "model strangers_code.Net is neither of this project nor of torch" in errors
    assert "add --trust" in errors
    assert errors.count("\n") == 1
    assert not executed()


def test_a_judge_runs_no_code_that_its_run_names(foreign: Callable[[str], Path], command: Command) -> None:
    run = foreign("strangers_code.Net")
    Path("gan.yaml").write_text(GAN_CONFIG)
    code, _, errors = command("fit", "--config", "gan.yaml", "--model.judge", "run", "--trainer.max_steps", 1)
    assert code == 2
    assert "model strangers_code.Net is neither of this project nor of torch" in errors
    assert "; if you trust this code, test that run first: " in errors
    assert errors.endswith(" test --ckpt_path run --trust\n")
    assert errors.count("\n") == 1
    assert not executed()
    assert command("test", "--ckpt_path", run, "--trust")[0] == 0
    assert read_judge("run").signature.startswith("features of a Net, ")


def test_what_is_trusted_is_said_once(foreign: Callable[[str], Path], command: Command) -> None:
    run = foreign("strangers_code.Net")
    code, output, errors = command("test", "--ckpt_path", run, "--trust")
    assert code == 0, errors
    assert executed()
    said = [line for line in output.splitlines() if line.startswith("trust ")]
    assert said == [
        f"trust    strangers_code.Net runs with all your rights, now and whenever a run names it ({list_file()})"
    ]
    code, output, errors = command("validate", "--ckpt_path", run)
    assert code == 0, errors
    assert "trust " not in output


def test_where_the_list_cannot_be_written_trust_is_for_once(foreign: Callable[[str], Path], command: Command) -> None:
    run = foreign("strangers_code.Net")
    list_file().parent.parent.mkdir(parents=True, exist_ok=True)
    list_file().parent.write_text("where its folder should be")
    code, output, errors = command("test", "--ckpt_path", run, "--trust")
    assert code == 0, errors
    assert [line for line in output.splitlines() if line.startswith("trust ")] == [
        "trust    strangers_code.Net runs with all your rights, this time alone "
        f"({list_file()} could not take it up; add --trust each time)"
    ]
    code, _, errors = command("validate", "--ckpt_path", run)
    assert code == 2
    assert "add --trust" in errors


SOMEBODYS = "strangers_code.Net"
HARMFUL = ["subprocess.Popen", "os.system", "torch.os.system", "torch.hub.load", "torch.load", "torch.jit.load"]
HARMFUL += ["core.files.download.urllib.request.urlopen", "datamodules.mnist.struct.pack"]
PLACES: dict[str, Callable[[dict, str], None]] = {
    "optimizer": lambda config, name: arguments(config).update(optimizer=name),
    "class": lambda config, name: arguments(config).update(optimizer={"class_path": name}),
    "arguments": lambda config, name: arguments(config).update(optimizer={"class_path": name, "init_args": {"a": 1}}),
    "text": lambda config, name: arguments(config).update(optimizer=f"{{class_path: {name}}}"),
    "text in a text": lambda config, name: config.update(model=f"{{class_path: '{{class_path: {name}}}'}}"),
    "model": lambda config, name: config.update(model=f"class_path: {name}"),
    "file": lambda config, name: arguments(config).update(optimizer="inner.yaml"),
    "callback": lambda config, name: config["trainer"].update(callbacks=[{"class_path": name}]),
    "text of callbacks": lambda config, name: config["trainer"].update(callbacks=f"[{{class_path: {name}}}]"),
    "file of callbacks": lambda config, name: config["trainer"].update(callbacks=["inner.yaml"]),
    "logger": lambda config, name: config["trainer"].update(logger=name),
    "function": lambda config, name: config["trainer"].update(
        callbacks=[{"class_path": "pytorch_lightning.callbacks.LambdaCallback", "init_args": {"on_test_start": name}}]
    ),
    "function of a schedule": lambda config, name: arguments(config).update(
        lr_scheduler={"class_path": "torch.optim.lr_scheduler.LambdaLR", "init_args": {"lr_lambda": name}}
    ),
}


def arguments(config: dict[str, Any]) -> dict[str, Any]:
    return config["model"]["init_args"]


@pytest.mark.parametrize(
    ("place", "name"), [*((place, SOMEBODYS) for place in PLACES), *(("optimizer", name) for name in HARMFUL)]
)
def test_nothing_harmful_is_reached_wherever_it_is_named(
    place: str, name: str, finished_run: Callable[..., Path], command: Command
) -> None:
    """Neither directly, nor hidden in a text or a file, nor by way of a library; nothing of it is imported."""
    run = finished_run()
    config = yaml.safe_load((run / "config.yaml").read_text())
    PLACES[place](config, name)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    for folder in (run, run.parent):
        (folder / "strangers_code.py").write_text(CODE)
        (folder / "inner.yaml").write_text(f"class_path: {name}")
    code, _, errors = command("test", "--ckpt_path", run)
    assert code == 2, name
    assert all(line.startswith("error: ") for line in errors.splitlines()), errors
    assert not executed()
    assert "strangers_code" not in sys.modules


OF_CALLS = {
    "output": ("predict", "--ckpt_path", "run"),
    "input": ("inspect", "run"),
    "invert": ("inspect", "run"),
    "run_dir": ("fit", "--config", "run/config.yaml"),
    "resume": ("fit", "--config", "run/config.yaml"),
    "ckpt_path": ("test", "--ckpt_path", "run"),
    "config": ("serve", "--ckpt_path", "run"),
    "weights_only": ("export", "--ckpt_path", "run", "--output", "x.safetensors"),
    "steps": ("lr_find", "--config", "run/config.yaml"),
}


def test_a_printed_config_beside_checkpoints_has_options_of_a_call_without_a_value(
    finished_run: Callable[..., Path], command: Command
) -> None:
    run = finished_run()
    with open(run / "config.yaml", "a") as file:
        file.write("".join(f"{key}: null\n" for key in ("run_dir", "resume", "ckpt_path")))
    code, _, errors = command("fit", "--config", run / "config.yaml", "--trainer.max_epochs", 1)
    assert code == 0, errors


@pytest.mark.parametrize("key", OF_CALLS)
def test_the_config_of_a_run_gives_no_options_of_a_call(
    key: str, finished_run: Callable[..., Path], command: Command
) -> None:
    run, target = finished_run(), Path("mine.txt")
    target.write_text("mine")
    with open(run / "config.yaml", "a") as file:
        file.write(f"{key}: {target.resolve()}\n")
    code, _, errors = command(*OF_CALLS[key])
    assert code == 2
    assert f"config.yaml: {key} is an option of one call, which no run records; remove it there" in errors
    assert errors.count("\n") == 1
    assert target.read_text() == "mine"


def test_options_of_a_call_are_taken_of_who_is_trusted(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run()
    with open(run / "config.yaml", "a") as file:
        file.write("output: there.csv\n")
    code, _, errors = command("predict", "--ckpt_path", run, "--trust")
    assert code == 0, errors
    assert Path("there.csv").is_file()


def test_the_config_in_a_checkpoint_imports_nothing(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run()
    path = run / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["run_config"] = checkpoint["run_config"].replace("lightning_modules.VGG", "strangers_code.VGG")
    torch.save(checkpoint, path)
    Path("strangers_code.py").write_text(CODE + "VGG = Net")
    code, _, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 9)
    assert code == 2
    assert "strangers_code.VGG" in errors
    assert not executed()


def test_options_of_the_user_are_not_limited(
    finished_run: Callable[..., Path], tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_code.py").write_text("from pytorch_lightning import Callback\nclass Mine(Callback): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    code, _, errors = command("test", "--ckpt_path", finished_run(), "--trainer.callbacks+=my_code.Mine")
    assert code == 0, errors
    sys.modules.pop("my_code")


def test_code_within_the_run_is_never_run(
    foreign: Callable[[str], Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = foreign("run.strangers_code.Net")
    for trust in ([], ["--trust"]):
        code, _, errors = command("test", "--ckpt_path", run, *trust)
        assert code == 2
        assert "is code within the run's own folder, which is never run" in errors
    monkeypatch.chdir(run)
    Path("strangers_code.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(run))
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace("run.strangers", "strangers"))
    code, _, errors = command("test", "--ckpt_path", ".", "--trust")
    assert code == 2
    assert "within the run's own folder" in errors
    assert not executed()


@pytest.mark.parametrize(
    "settings",
    [
        {"model": {"class_path": "strangers_code.Net"}},
        {"model": {"class_path": "not_installed_anywhere.Net"}},
        {"trainer": {"callbacks": [{"class_path": "os.path.X"}]}},
        {"model": {"init_args": {"optimizer": "os.system"}}},
        {"model": {"init_args": {"optimizer": {"class_path": "subprocess.Popen"}}}},
        {"trainer": {"callbacks": ["runpy.run_path"]}},
        {"trainer": {"logger": {"init_args": {"a": {"class_path": "builtins.exec"}}}}},
    ],
)
def test_other_code_is_found_wherever_it_stands(settings: dict[str, Any], tmp_path: Path) -> None:
    assert needs_trust(settings)
    with pytest.raises(InputError, match="add --trust"):
        refuse_foreign_code(tmp_path / "config.yaml", settings)
    refuse_foreign_code(tmp_path / "config.yaml", settings, trusted=True)


@pytest.mark.parametrize(
    "name",
    [
        *("lightning_modules.VGG", "datamodules.CIFAR10DataModule", "callbacks.EarlyStopping", "tests.tiny.Slow"),
        *("torch.optim.SGD", "torchvision.models.ResNet", "torchmetrics.Accuracy", "lightning.pytorch.Trainer"),
        "pytorch_lightning.callbacks.EMAWeightAveraging",
    ],
)
def test_the_project_and_its_libraries_are_known(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize("name", ["torchx.optim.SGD", "torch_optimizer.SGD", "numpy.x", "os.system", "coreutils.A"])
def test_other_names_are_not_known(name: str) -> None:
    assert not is_known(name)


def test_a_library_that_lies_in_the_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a library of that name is not installed, the current folder's would be taken."""
    (tmp_path / "lightning_fabricated.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("core.code.known_code.LIBRARIES", ("lightning_fabricated",))
    assert is_known("lightning_fabricated.A")
    with pytest.raises(InputError, match="within the run's own folder"):
        refuse_foreign_code(tmp_path / "config.yaml", {"model": {"class_path": "lightning_fabricated.A"}}, trusted=True)


def test_a_module_that_lies_in_the_run_alone_is_refused(tmp_path: Path) -> None:
    """The parser goes into the run's folder to read its config, where an empty entry of sys.path would lead to it."""
    (tmp_path / "nowhere_else.py").touch()
    with pytest.raises(InputError, match="within the run's own folder"):
        refuse_foreign_code(tmp_path / "config.yaml", {"model": {"class_path": "nowhere_else.Net"}}, trusted=True)


@pytest.mark.parametrize(
    "text", ["0.1", "a.b", "stages.0", "val/loss", "some text. os.system", "/a/b.c", "data.csv", "test.txt"]
)
def test_texts_that_lead_to_no_code_are_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert not needs_trust({"model": {"init_args": {"x": [text]}}})


def test_own_code_is_known_once_it_has_been_trained_with(
    config: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_code.py").write_text(CODE + "class Other(Net): ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    config.write_text(TINY_CONFIG.replace("lightning_modules.VGG", "my_code.Net"))
    code, output, errors = command("fit", "--config", config, "--trainer.max_epochs", 1, "--run_dir", "run")
    assert code == 0, errors
    assert output.splitlines()[-1].endswith("test --ckpt_path run")
    for words in (("test", "--ckpt_path", "run"), ("fit", "--ckpt_path", "run", "--trainer.max_epochs", 2)):
        code, _, errors = command(*words)
        assert code == 0, errors
    written = (tmp_path / "run" / "config.yaml").read_text()
    (tmp_path / "run" / "config.yaml").write_text(written.replace("my_code.Net", "my_code.Other"))
    code, _, errors = command("test", "--ckpt_path", "run")
    assert code == 2
    assert "my_code.Other" in errors
    sys.modules.pop("my_code")
    (tmp_path / "run" / "config.yaml").write_text(written)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "my_code.py").rename(tmp_path / "elsewhere" / "my_code.py")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    code, _, errors = command("test", "--ckpt_path", "run")  # another file of this name
    assert code == 2
    assert "add --trust" in errors


def test_where_the_list_cannot_be_written_trust_is_asked_for(
    config: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file in place of a folder")
    (tmp_path / "my_code.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    config.write_text(TINY_CONFIG.replace("lightning_modules.VGG", "my_code.Net"))
    code, output, errors = command("fit", "--config", config, "--trainer.max_epochs", 1, "--run_dir", "run")
    assert code == 0, errors
    assert output.splitlines()[-1].endswith("test --ckpt_path run --trust")
    sys.modules.pop("my_code")
