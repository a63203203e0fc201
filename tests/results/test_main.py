"""The command: it makes what is missing, goes on where it stopped, and reports what failed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import cli
from core.errors import RunFailed
from results.__main__ import FOLDER, main
from results.runs import Runs
from results.table import Run
from results.table_file import read_table


@pytest.fixture
def folder(tmp_path: Path, config: Path) -> Path:
    """A table of two short rows, of which the cheaper one fails, and a third one that is long."""
    short = yaml.safe_load(config.read_text())
    short["trainer"] |= {"max_epochs": 1}
    short["data"]["init_args"] |= {"source": "auto", "data_dir": "pictures"}
    (tmp_path / "short.yaml").write_text("# Not yet run.\n" + yaml.safe_dump(short))
    short["trainer"] |= {"max_epochs": 0, "max_steps": 0}
    (tmp_path / "broken.yaml").write_text("# Not yet run.\n" + yaml.safe_dump(short))
    row = {
        "network": "a VGG",
        "seeds": [42],
        "published": 50.0,
        "measured_on": "all",
        "config": f"{tmp_path}/short.yaml",
    }
    rows = [
        row | {"id": "long", "minutes": 60},
        row | {"id": "good", "minutes": 2},
        row | {"id": "bad", "minutes": 1, "config": f"{tmp_path}/broken.yaml"},
        row | {"id": "twin", "minutes": 2, "same_as": "good"},
    ]
    (tmp_path / "results").mkdir()
    ours = yaml.safe_load((FOLDER / "table.yaml").read_text())
    content = {"sections": [{"title": "All", "text": "Text.", "rows": rows}], "recipes": []}
    content |= {"measures": ours["measures"], "folders": {"tiny": {"holds": "pictures", "module": "TinyDataModule"}}}
    (tmp_path / "results" / "table.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "results"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Makes runs in this process, which need not import torch each time; lists their commands."""
    made = []

    def call(self: Runs, run: Run, command: list[str]) -> None:
        made.append(command)
        monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
        if cli.main(command) != 0:
            raise RunFailed(f"{run}: {command[0]} failed")

    monkeypatch.setattr(Runs, "_call", call)
    return made


def summary(path: Path, status: str, **metrics: float) -> None:
    """Writes what a run has come to."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "summary.json").write_text(json.dumps({"status": status, "tests": [{"step": 1, "metrics": metrics}]}))


def test_the_runs_are_made_cheapest_first_and_recorded(
    folder: Path, calls: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--runs", "made"], folder) == 1
    assert [command[0] for command in calls] == ["fit", "fit", "test"]
    output, errors = capsys.readouterr()
    assert "error: bad/42: fit failed" in errors
    assert "good/42: about 2 min ..." in output
    assert "1 longer runs are left out" in output
    kept = json.loads((folder / "good" / "42.json").read_text())
    assert kept["seed"] == 42
    (tested,) = kept["tests"]
    assert (tested["checkpoint"], tested["step"]) == ("best.ckpt", kept["best"]["step"])
    assert kept["defaults"]["model.label_smoothing"] == 0.0
    assert not {"model.dropout", "data.data_dir", "trainer.max_epochs"} & kept["defaults"].keys()
    page = (folder.parent / "RESULTS.md").read_text()
    assert page.count(f"{100 * tested['metrics']['test/acc']:.2f} | 1 |") == 2  # the twin's, too
    assert (folder.parent / "docs" / "images" / "results.png").is_file()
    assert "short.yaml" in (folder.parent / "configs" / "README.md").read_text()

    assert main(["status"], folder) == 0
    assert "good/42 recorded" in [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    path, changed = folder / "good" / "42.json", dict(kept["defaults"])
    for defaults, words in (
        (
            changed | {"model.label_smoothing": 0.2},
            "than today's: model.label_smoothing 0.2 (now 0.0)",
        ),
        ({key: changed[key] for key in sorted(changed)[1:]} | {"model.retired": 1}, "recorded"),
        (None, "recorded; its defaults were not"),
    ):
        path.write_text(json.dumps(kept | {"defaults": defaults}))
        assert main(["status"], folder) == 0
        assert next(line for line in capsys.readouterr().out.splitlines() if "good/42" in line).endswith(words)
    path.write_text(json.dumps(kept))

    calls.clear()
    assert main(["run", "twin", "--runs", "made"], folder) == 0
    assert calls == []  # it has a record

    (folder / "good" / "42.json").unlink()
    assert main(["collect", "--runs", "made"], folder) == 0
    assert calls == []
    assert json.loads((folder / "good" / "42.json").read_text()) == kept


def test_a_run_is_not_recorded_by_a_row_that_asks_for_another(
    folder: Path, calls: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "good", "--runs", "made"], folder) == 0
    (Path("made") / "good").rename(Path("made") / "bad")
    assert main(["collect", "--runs", "made"], folder) == 1
    assert "steps is 6, where bad has 0" in capsys.readouterr().err
    assert not (folder / "bad").exists()


def test_a_dry_run_shows_the_commands_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "long", "--runs", "made", "--dry_run"], folder) == 0
    _, fit, test = capsys.readouterr().out.splitlines()
    assert fit.startswith(
        f"python cli.py fit --config {folder.parent}/short.yaml --seed_everything 42 --run_dir made/long/42"
    )
    assert test == "python cli.py test --ckpt_path made/long/42"
    assert not Path("made").exists()


def test_no_minutes_leave_out_every_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--runs", "made", "--dry_run", "--max_minutes", "0"], folder) == 0
    assert capsys.readouterr().out.startswith("3 longer runs are left out")


def test_status_tells_what_is_recorded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"], folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:-1]] == [
        [name, "about", minutes, "min"] for name, minutes in (("bad/42", "1"), ("good/42", "2"), ("long/42", "60"))
    ]
    assert lines[-1].startswith("3 of 3 runs")


def test_wrong_input_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "goods"], folder) == 2
    assert capsys.readouterr().err == "error: goods: no row of the table; nearest: good\n"


@pytest.fixture
def runs(folder: Path, tmp_path: Path) -> Callable[[str], tuple[Runs, Run]]:
    """Returns the folders of runs, and one of these runs."""

    def make(name: str, **changes: object) -> tuple[Runs, Run]:
        content = yaml.safe_load((folder / "table.yaml").read_text())
        next(row for row in content["sections"][0]["rows"] if row["id"] == name).update(changes)
        (folder / "table.yaml").write_text(yaml.safe_dump(content))
        table = read_table(folder / "table.yaml")
        return Runs(Path("made"), table, {"tiny": "there"}), Run(table[name], 42)

    return make


def test_a_run_that_was_broken_off_is_continued(runs: Callable) -> None:
    made, run = runs("good")
    summary(made.folder(run), "interrupted")
    (made.folder(run) / "checkpoints").mkdir()
    (made.folder(run) / "checkpoints" / "last.ckpt").touch()
    (_, fit), (_, test) = made.commands(run)
    assert fit[:5] == ["fit", "--ckpt_path", "made/good/42", "--data.data_dir", "there"]
    assert "--config" not in fit
    assert test[0] == "test"


def test_a_run_that_was_fitted_is_tested(runs: Callable) -> None:
    made, run = runs("good")
    summary(made.folder(run), "finished")
    assert [command[0] for _, command in made.commands(run)] == ["test"]
    summary(made.folder(run), "finished", **{"test/acc": 0.5})
    assert made.commands(run) == []


def test_a_folder_without_checkpoint_is_left_alone(runs: Callable) -> None:
    made, run = runs("good")
    summary(made.folder(run), "running")
    with pytest.raises(RunFailed, match="made/good/42: no checkpoint to go on from; remove it"):
        made.make(run)


def test_options_reach_the_command(runs: Callable) -> None:
    made, run = runs("good", options={"trainer.max_steps": 7})
    fit = made.commands(run)[0][1]
    assert fit[fit.index("--trainer.max_steps") + 1] == "7"


def test_weights_come_from_a_run_of_the_same_seed_that_is_made_first(runs: Callable) -> None:
    made, run = runs("good", weights_from="long")
    (first, before), (_, fit), _ = made.commands(run)
    assert str(first) == "long/42"
    assert before[:2] == ["fit", "--config"]
    assert fit[fit.index("--weights") + 1] == "made/long/42"
    summary(made.folder(first), "finished")
    assert len(made.commands(run)) == 2


def test_a_command_that_fails_is_told_with_its_log(runs: Callable) -> None:
    made, run = runs("good")
    with pytest.raises(
        RunFailed, match=r"good/42: fit failed: --config nothing\.yaml: no such file.* in made/good/42\.log"
    ):
        made._call(run, ["fit", "--config", "nothing.yaml"])
    assert made.log(run).read_text().startswith("$ python cli.py fit --config nothing.yaml\n")


def test_ctrl_c_waits_for_the_run_to_save_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = []

    class Interrupted:
        def __init__(self, *_: object, **__: object) -> None: ...

        def wait(self) -> int:
            waits.append(1)
            if len(waits) == 1:
                raise KeyboardInterrupt
            return 130

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    assert main(["run", "--runs", "made"], folder) == 130
    assert len(waits) == 2
    assert "the same command continues" in capsys.readouterr().err
