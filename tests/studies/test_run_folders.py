"""`runs` and `compare`: what run folders say, without torch."""

import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from studies.run_folders import compare_runs, list_runs

Command = Callable[..., tuple[int, str, str]]
REFUSED = {  # names that stand for no run
    "none": "no such folder",
    "latest": "no such folder",
    "a/config.yaml": "a file, and no run's folder",
    "empty": "no run is in this folder or below it: none has config.yaml and summary.json",
}


def make_run(path: Path, when: int, status: str, dropout: float = 0.1, **metrics: float) -> Path:
    """Writes what a run leaves behind."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(f"model:\n  class_path: A\n  init_args: {{dropout: {dropout}, lr: 0.1}}\n")
    names = {name.replace("_", "/"): value for name, value in metrics.items()}
    summary = {"status": status, "best": {"step": 1, "metrics": names}, "seconds": {"fit": 1234.5}, "epochs": 3}
    summary |= {"measures": {"acc": {"better": "max", "unit": "%", "digits": 1}}, "hardware": "a CPU"}
    (path / "summary.json").write_text(json.dumps(summary))
    for file in path.iterdir():
        os.utime(file, (when, when))
    return path


def test_runs_are_listed_newest_first(tmp_path: Path, command: Command) -> None:
    make_run(tmp_path / "runs" / "a" / "1", 1000, "finished", val_acc=0.5)
    make_run(tmp_path / "runs" / "studies" / "s" / "0000-x", 3000, "running")
    newest = make_run(tmp_path / "runs" / "b", 9000, "running", val_loss=1.25, val_acc=0.75)
    (tmp_path / "runs" / "c").mkdir()
    (tmp_path / "runs" / "c" / "config.yaml").touch()
    damaged = make_run(tmp_path / "runs" / "d", 500, "finished")
    (damaged / "summary.json").write_text("{")
    os.utime(damaged / "summary.json", (500, 500))
    with FileLock(newest / ".lock"):
        code, output, errors = command("runs")
    assert code == 0, errors
    lines = [line.split() for line in output.splitlines()]
    assert [line[2:] for line in lines] == [
        ["running", "1,234", "s", "runs/b", "val/loss", "1.250", "val/acc", "75.0", "%"],
        ["killed", "1,234", "s", "runs/studies/s/0000-x"],
        ["finished", "1,234", "s", "runs/a/1", "val/acc", "50.0", "%"],
        ["-", "-", "runs/d"],
    ]
    assert command("runs", "runs", "--most", 1)[1].splitlines()[1] == "3 older ones; --most lists more"


def test_what_a_strangers_run_says_does_nothing_to_a_terminal_of_any_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [str(make_run(tmp_path / name, 1000, f"\x1b[31m{name}")) for name in ("天", "地")]
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", stdout)
    assert list_runs([str(tmp_path)]) == 0
    assert compare_runs(runs) == 0
    stdout.flush()
    text = stdout.buffer.getvalue().decode("cp1252")
    assert "\x1b" not in text
    assert text.count("\\x1b[31m\\u5929") == text.count("\\x1b[31m\\u5730") == 2


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EROFS])
def test_runs_whose_locks_cannot_be_written_are_listed(
    reason: int, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are of somebody else, or on a disk that can only be read."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(reason, os.strerror(reason))

    make_run(tmp_path / "runs" / "a", 1000, "running")
    (tmp_path / "runs" / "a" / ".lock").touch()
    held = make_run(tmp_path / "runs" / "b", 2000, "running")
    with FileLock(held / ".lock"):
        monkeypatch.setattr(FileLock, "acquire", refuse)
        code, output, errors = command("runs")
        monkeypatch.undo()
    assert code == 0, errors
    assert [line.split()[2::3] for line in output.splitlines()] == [["running", "runs/b"], ["killed", "runs/a"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs", ""), "FOLDER: the name is empty"),
        (("compare", "", "runs"), "RUN: the name is empty"),
        (("report", ""), "RUNS: the name is empty"),
        (("runs", "runs", "--most", 0), "--most: 0: a number, at least 1, is needed"),
        (("runs", "x" * 300), f"{'x' * 60}...: a name that is too long"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(words: tuple, said: str, command: Command) -> None:
    assert command(*words)[::2] == (2, f"error: {said}\n")


def test_two_runs_are_told_from_each_other(tmp_path: Path, command: Command) -> None:
    make_run(tmp_path / "a", 1000, "finished", dropout=0.1, val_acc=0.5)
    make_run(tmp_path / "runs" / "b", 2000, "diverged", dropout=0.25, val_acc=0.25, val_loss=2.0)
    code, output, errors = command("compare", "a", "runs")
    assert code == 0, errors
    rows = [line.split() for line in output.splitlines()]
    assert rows == [
        ["a", "runs/b"],
        ["model.dropout", "0.1", "0.25"],
        ["status", "finished", "diverged"],
        ["val/acc", "0.5", "0.25"],
        ["val/loss", "-", "2"],
        ["epochs", "3", "3"],
        ["seconds", "1,234.5", "1,234.5"],
        ["hardware", "a", "CPU", "a", "CPU"],
    ]


def test_one_batch_is_told_from_all_batches(tmp_path: Path, command: Command) -> None:
    for name, share in (("a", "1"), ("b", "1.0")):
        config = f"model: {{lr: 0.1}}\ntrainer: {{limit_val_batches: {share}, gradient_clip_val: {share}}}\n"
        (make_run(tmp_path / name, 1000, "finished") / "config.yaml").write_text(config)
    rows = [line.split() for line in command("compare", "a", "b")[1].splitlines()]
    assert rows[1:3] == [["trainer.limit_val_batches", "1", "1.0"], ["status", "finished", "finished"]]


def test_settings_of_different_networks_stand_together(tmp_path: Path, command: Command) -> None:
    for name, model in (("a", "depth: 3"), ("b", "width: 8")):
        config = f"model: {{class_path: {name.upper()}, {model}}}\ndata: {{size: {model[-1]}}}\n"
        (make_run(tmp_path / name, 1000, "finished") / "config.yaml").write_text(config)
    rows = [line.split() for line in command("compare", "a", "b")[1].splitlines()]
    assert [row[0] for row in rows[1:5]] == ["model.class_path", "model.depth", "model.width", "data.size"]


def test_it_is_said_of_which_epochs_the_figures_are(tmp_path: Path, command: Command) -> None:
    """Training figures of the last epoch beside validation of the best one are of no epoch together."""
    for name, best in (("a", 2), ("b", 1)):
        summary = json.loads((make_run(tmp_path / name, 1000, "finished", val_acc=0.5) / "summary.json").read_text())
        summary["last"] = {"epoch": 2, "step": 30, "metrics": {"train/acc": 0.9}}
        summary["best"] |= {"epoch": best}
        (tmp_path / name / "summary.json").write_text(json.dumps(summary))
    code, output, errors = command("compare", "a", "b")
    assert code == 0, errors
    rows = [line.split() for line in output.splitlines()]
    assert {("last", "epoch", "2", "2"), ("best", "epoch", "2", "1")} <= {*map(tuple, rows)}
    note = "training figures are of the last epoch, validation of the best checkpoint, tests of what was tested"
    assert output.splitlines()[-1] == note
    assert note not in command("compare", "a", "a")[1]


def test_one_long_value_or_path_widens_no_table(tmp_path: Path, command: Command) -> None:
    value = ", ".join(f"layer{number}.weight" for number in range(30))
    first = make_run(tmp_path / "a", 1000, "finished", val_acc=0.5)
    make_run(tmp_path / "runs" / "b", 2000, "finished", val_acc=0.25)
    make_run(tmp_path / "runs" / ("c" * 150), 3000, "finished", val_acc=0.25)
    config = (first / "config.yaml").read_text()
    (first / "config.yaml").write_text(config.replace("lr: 0.1", f"lr: 0.1, kept: [{value}]"))
    code, output, errors = command("compare", "a", "runs/b")
    assert code == 0, errors
    lines = output.splitlines()
    assert max(map(len, lines)) <= 120
    assert all(f"layer{number}.weight" in output for number in range(30))
    code, output, errors = command("runs", "runs")
    assert code == 0, errors
    long, short = output.splitlines()
    assert "c" * 150 in long
    assert len(short) < 80


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("compare", "a"), "compare needs OTHER_RUN"),
        *(
            ((*words, given), f"{words[0]} {given}: {reason}; 'python cli.py runs FOLDER' lists runs\n")
            for words in (("compare", "a"), ("runs",), ("report", "a"))
            for given, reason in REFUSED.items()
        ),
    ],
)
def test_what_is_no_run_is_one_line(words: tuple[str, ...], reason: str, tmp_path: Path, command: Command) -> None:
    make_run(tmp_path / "a", 1000, "finished")
    (tmp_path / "empty").mkdir()
    code, _, errors = command(*words)
    assert code == 2
    assert errors.startswith(f"error: {reason}")
    assert errors.count("\n") == 1


def test_a_real_run_is_told_from_one_with_another_rate(finished_run: Callable[..., Path], command: Command) -> None:
    finished_run("a", "--checkpoint.every_n_train_steps", 5)
    finished_run("b")
    code, output, errors = command("compare", "a", "b")
    assert code == 0, errors
    differing = output.partition("\nstatus")[0].splitlines()[1:]
    assert [line.split()[0] for line in differing] == ["data.data_dir", "checkpoint.every_n_train_steps"]
    assert "val/acc" in output


@pytest.mark.parametrize(
    "odd",
    [
        '"best": {"metrics": {"val/acc": 1e999}}',
        '"best": {"metrics": {"val/acc": NaN, "val/loss": -1e308}}',
        f'"best": {{"metrics": {{"val/acc": {10**400}}}}}',
        f'"seconds": {{"fit": {10**400}}}',
        '"seconds": {"fit": 1e999}',
        '"seconds": {"fit": NaN}',
        '"samples_per_second": "x"',
        '"best": {"metrics": {"val/acc": 1}}, "measures": {"acc": {"better": ["max"]}}',
        '"best": {"metrics": {"val/acc": 1}}, "measures": {"acc": {"better": "max", "digits": 1e9, "unit": "%"}}',
    ],
)
def test_one_odd_record_leaves_the_others_to_be_seen(odd: str, tmp_path: Path, command: Command) -> None:
    good = make_run(tmp_path / "runs" / "a", 1000, "finished", val_acc=0.5)
    bad = make_run(tmp_path / "runs" / "b", 2000, "finished")
    (bad / "summary.json").write_text(f'{{"status": "finished", {odd}}}')
    code, output, errors = command("runs")
    assert code == 0, errors
    assert len(output.splitlines()) == 2
    code, _, errors = command("compare", good, bad)
    assert code == 0, errors
