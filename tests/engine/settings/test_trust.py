"""The recorded config of a run, which can come from anybody, runs no code that its reader does not trust."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from engine.settings.trust import is_known, needs_trust, refuse_foreign_code
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


@pytest.mark.parametrize(
    ("subcommand", "option"),
    [*((name, "--ckpt_path") for name in ("fit", "validate", "test", "predict")), ("fit", "--config")],
)
def test_code_of_a_run_is_not_run_unless_it_is_trusted(
    subcommand: str, option: str, foreign: Callable[[str], Path], command: Command
) -> None:
    run = foreign("strangers_code.Net")
    given = run if option == "--ckpt_path" else run / "config.yaml"
    extra = ["--trainer.max_epochs", 4] if subcommand == "fit" else []
    code, _, errors = command(subcommand, option, given, *extra)
    assert code == 2
    assert "model strangers_code.Net is neither of this project nor of torch" in errors
    assert "add --trust" in errors
    assert not executed()

    if subcommand == "test":
        code, _, errors = command(subcommand, option, given, "--trust")
        assert code == 0, errors
        assert executed()


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
        refuse_foreign_code(tmp_path, settings, trusted=False)
    refuse_foreign_code(tmp_path, settings, trusted=True)


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
    monkeypatch.setattr("engine.settings.trust.LIBRARIES", ("lightning_fabricated",))
    assert is_known("lightning_fabricated.A")
    with pytest.raises(InputError, match="within the run's own folder"):
        refuse_foreign_code(tmp_path, {"model": {"class_path": "lightning_fabricated.A"}}, trusted=True)


def test_a_module_that_lies_in_the_run_alone_is_refused(tmp_path: Path) -> None:
    """The parser goes into the run's folder to read its config, where an empty entry of sys.path would lead to it."""
    (tmp_path / "nowhere_else.py").touch()
    with pytest.raises(InputError, match="within the run's own folder"):
        refuse_foreign_code(tmp_path, {"model": {"class_path": "nowhere_else.Net"}}, trusted=True)


@pytest.mark.parametrize(
    "text", ["0.1", "a.b", "stages.0", "val/loss", "some text. os.system", "/a/b.c", "data.csv", "test.txt"]
)
def test_texts_that_lead_to_no_code_are_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert not needs_trust({"model": {"init_args": {"x": [text]}}})


def test_a_config_that_is_no_runs_names_what_its_writer_likes(
    config: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_code.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    config.write_text(TINY_CONFIG.replace("lightning_modules.VGG", "my_code.Net"))
    code, output, errors = command("fit", "--config", config, "--trainer.max_epochs", 1, "--run_dir", "run")
    assert code == 0, errors
    assert output.splitlines()[-1].endswith("test --ckpt_path run --trust")
    code, _, errors = command("fit", "--ckpt_path", "run", "--trainer.max_epochs", 2, "--trust")
    assert code == 0, errors
    sys.modules.pop("my_code")
