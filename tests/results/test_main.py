"""The command: it makes what is missing, goes on where it stopped, and reports what failed."""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

import cli
from results.__main__ import main
from tests.results.processes import FOREVER, Commands, StandIn
from tests.streams import Broken


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Makes runs in this process, which need not start others; lists their commands."""
    made = []

    def call(command: list[str], log: Path) -> StandIn:
        made.append(command)
        monkeypatch.delenv("PRIMER_RUN_FOLDER", raising=False)
        with open(log, "a") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            return StandIn(cli.main(command))

    monkeypatch.setattr("results.workers.start_command", call)
    return made


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
    assert calls == []
    assert capsys.readouterr().out == "recorded already, and left out: good/42\n"

    assert main(["collect", "--runs", "made"], folder) == 0
    assert "recorded already, and left out: good/42\n" in capsys.readouterr().out
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


def test_what_is_not_collected_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collect", "--runs", "mistyped"], folder) == 2
    assert capsys.readouterr().err == (
        "error: --runs mistyped: no such folder; name the one with the runs, as <id>/<seed>/\n"
    )
    Path("made").mkdir()
    assert main(["collect", "--runs", "made"], folder) == 0
    assert capsys.readouterr().out == "nothing to record in made\n"
    for name, text in (
        ("good", json.dumps({"status": "finished", "last": None, "best": None, "tests": []})),
        ("long", json.dumps({"status": "running"})),
        ("bad", "{"),
        ("god", "{}"),
    ):
        (Path("made") / name / "42").mkdir(parents=True)
        (Path("made") / name / "42" / "summary.json").write_text(text)
    assert main(["collect", "--runs", "made"], folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == [
        "bad/42: left out: summary.json is damaged (no JSON, or a part of it)",
        "god/42: left out: the table has no such row or seed",
        "good/42: left out: it has no test/acc, which counts",
        "long/42: left out: its status is running",
        "nothing to record in made",
    ]
    (Path("made") / "bad" / "42" / "summary.json").unlink()
    assert main(["collect", "--runs", "made"], folder) == 0
    assert "bad/42: left out: summary.json cannot be read (No such file" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["long", "long/42"])
def test_a_dry_run_shows_the_commands_alone(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", name, "--runs", "made", "--dry_run"], folder) == 0
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
        f"{name} about {time}".split()
        for name, time in (("bad/42", "60 s"), ("good/42", "2 min"), ("long/42", "60 min"))
    ]
    assert lines[-1].startswith("3 of 3 runs")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("goods", "no row of the table; nearest: good"),
        ("good/43", "no run of the table; good has the seeds 42"),
        ("good/", "no run of the table; good has the seeds 42"),
    ],
)
def test_wrong_input_is_one_line(name: str, reason: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", name], folder) == 2
    assert capsys.readouterr().err == f"error: {name}: {reason}\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "results needs COMMAND; 'python -m results --help' explains"),
        (["statu"], "results statu: expected run, collect, study, page, notebooks or status; did you mean status?"),
        (["run", "--speeed", "3"], "--speeed: there is no such option; did you mean --speed?"),
    ],
)
def test_mistyped_words_are_one_line(
    words: list[str], error: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words, folder) == 2
    assert capsys.readouterr().err == f"error: {error}\n"


def test_nobody_has_to_read_to_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m results status | head` ended in a traceback."""
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError(), after=1))
    assert main(["status"], folder) == 0


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_when_the_runs_are_saved(
    signum: int, code: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(FOREVER, lambda: os.kill(os.getpid(), signum))
    monkeypatch.setattr("results.workers.start_command", commands)
    assert main(["run", "--runs", "made"], folder) == code
    assert commands.started == ["bad/42 fit"]
    output, errors = capsys.readouterr()
    assert "1 broken off; the same command goes on with them: bad/42\n" in output
    assert "1 not begun; the same command goes on with them: good/42\n" in output
    assert errors == "interrupted; the same command continues\n"


def test_a_time_takes_in_longer_runs_as_far_as_it_reaches(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands()
    commands.codes = {f"{name}/42 fit": 1 for name in ("good", "bad", "long")}
    monkeypatch.setattr("results.workers.start_command", commands)
    assert main(["run", "--runs", "made", "--minutes", "30", "--workers", "3"], folder) == 1
    assert commands.most == 2
    assert "1 not begun; the same command goes on with them: long/42" in capsys.readouterr().out
    assert main(["run", "--runs", "made", "--minutes", "30", "--speed", "2.5"], folder) == 1
    assert "long/42: about 24 min ..." in capsys.readouterr().out
    assert not (folder.parent / "RESULTS.md").exists()  # nothing is new


@pytest.mark.parametrize(
    ("option", "value"),
    [("workers", "0"), ("workers", "100000"), ("minutes", "nan"), ("speed", "-1"), ("workers", "x")],
)
def test_numbers_that_make_no_sense_are_refused(
    option: str, value: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", f"--{option}", value], folder) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: --{option}: ")
    assert errors.count("\n") == 1
