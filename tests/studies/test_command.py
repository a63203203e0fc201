"""The command `study`, whose trials are made in this process."""

import json
import os
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from core.summary import read_summary, write_summary
from engine.runs.free_gpus import NO_FREE_GPU
from tests.bits import assert_same_bits, figures_of
from tests.processes import ROOT
from tests.results.processes import FOREVER, StandIn

Command = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]
SHORT = ("--trainer.max_epochs", 1, "--trainer.logger", "false")


def trials(study: Path) -> list[dict[str, Any]]:
    """Returns what the trials of a study say of themselves."""
    return [json.loads(path.read_text()) for path in sorted(study.glob("*/trial.json"))]


def weights(run: Path) -> dict[str, Any]:
    """Returns what the last checkpoint of a run says of its training."""
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return {part: checkpoint[part] for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step")}


def test_a_study_is_made_and_has_then_nothing_left(
    write_study: Write, started: list, command: Command, tmp_path: Path, finished_run: Callable[..., Path]
) -> None:
    path = write_study(early_terminate=None)
    code, output, errors = command("study", path, "--seeds", "1,42", *SHORT)
    assert code == 0, errors
    study = tmp_path / "runs" / "studies" / "lr"
    names = ["0000-lr=0.1,seed=1", "0001-lr=0.1,seed=42", "0002-lr=0.01,seed=1", "0003-lr=0.01,seed=42"]
    assert sorted(path.parent.name for path in study.glob("*/trial.json")) == names
    assert [trial["ended"]["status"] for trial in trials(study)] == ["finished"] * 4
    lines = output.splitlines()
    assert lines[0].startswith("0000  lr=0.1 seed=1  val/loss ")
    assert "  finished  " in lines[0]
    assert "  best 0000 " in lines[0]
    assert "  1 of 4, about " in lines[0]
    assert lines[4] == "4 trials: 4 finished"
    assert lines[5].startswith("best     val/loss ")
    assert lines[6].startswith("  python cli.py test --ckpt_path runs/studies/lr/")

    best = study / lines[6].rpartition("/")[2]
    summary = read_summary(best / "summary.json")
    for words, end in (
        (["predict", "--input", "FILE"], f"it with\n  python cli.py predict --ckpt_path runs/studies/lr/{best.name}"),
        ([], f"of {best.name[:4]}  {best.name[5:].replace(',', ' ')}\n"),
        (["rm", "-r"], f"of {best.name[:4]}  {best.name[5:].replace(',', ' ')}\n"),
    ):
        write_summary(best / "summary.json", summary | {"next_command": words})
        assert end in command("study", path, "--seeds", "1,42", *SHORT)[1]

    alone = finished_run("alone", "--model.optimizer.lr", 0.01, "--seed_everything", 1, *SHORT)
    assert_same_bits(weights(study / names[2]), weights(alone))
    configs = [(run / "config.yaml").read_text().splitlines() for run in (study / names[2], alone)]
    assert {line.split(":")[0] for line in {*configs[0]} ^ {*configs[1]}} <= {"    data_dir"}

    started.clear()
    code, output, errors = command("study", path, "--seeds", "1,42", *SHORT)
    assert code == 0, errors
    assert started == []
    assert output.splitlines()[0] == "4 trials: 4 finished"

    for words, reason in (
        (("--seeds", "1", *SHORT), "seeds was [1, 42] and is [1] now"),
        (("--seeds", "1,42", *SHORT, "--model.dropout", 0.5), "model.dropout was 0.2 and is 0.5 now"),
    ):
        code, _, errors = command("study", path, *words)
        assert code == 2
        assert reason in errors
        assert errors.count("\n") == 1


def test_a_dry_run_lists_the_commands_and_writes_nothing(
    write_study: Write, started: list, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.making.typed_command", lambda: "primer")
    path = write_study(parameters={"model.lr_scheduler": {"values": [None]}, "model.widths": {"values": [[4, 4]]}})
    before = sorted(tmp_path.rglob("*"))
    code, output, errors = command("study", path, "--dry_run", "--run_dir", "here")
    assert code == 0, errors
    assert sorted(tmp_path.rglob("*")) == before
    place = tmp_path.resolve() / "here" / "0000-lr_scheduler=None,widths=4x4"
    assert output.splitlines() == [
        "0000  lr_scheduler=None widths=[4, 4]",
        "      primer fit --config tiny.yaml --model.lr_scheduler=null '--model.widths=[4, 4]' --run_dir "
        f"{place} --resume auto",
    ]


def test_the_study_that_the_page_shows_can_be_made(started: list, command: Command, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    block = page[page.index("    program: cli.py") :].partition("\n\n")[0]
    (tmp_path / "mine.yaml").write_text(textwrap.dedent(block))
    words = ("--seeds", "1,2,3", "--workers", 2, "--data.source", "synthetic", "--dry_run")
    code, output, errors = command("study", "mine.yaml", *words)
    assert code == 0, errors
    assert output.count("cli.py fit --config mlp.yaml") == 12


def test_a_trial_that_fails_or_diverges_ends_so_and_the_others_are_made(
    write_study: Write, started: list, command: Command, tmp_path: Path
) -> None:
    parameters = {
        "model.optimizer.lr": {"values": [1e30, 0.1]},
        "data.batch_size": {"values": [40, 4000]},  # more than there are
    }
    code, output, errors = command("study", write_study(parameters=parameters), *SHORT)
    assert code == 1, errors
    ended = [trial["ended"] for trial in trials(tmp_path / "runs" / "studies" / "lr")]
    assert [one["status"] for one in ended] == ["diverged", "finished", "failed", "failed"]
    assert ended[0]["reason"].startswith("the ")  # what was not finite, without the status once more
    assert output.count("diverged: the ") == 1
    assert "4000" in ended[2]["reason"]
    assert f"failed: {ended[2]['reason']}" in output
    assert "4 trials: 1 diverged, 2 failed, 1 finished" in output
    assert not (tmp_path / "runs" / "studies" / "lr" / "0002-batch_size=4000,lr=1e+30" / "config.yaml").exists()


def test_a_pruned_run_that_is_revived_ends_as_one_that_never_was(
    write_study: Write, started: list, command: Command, tmp_path: Path, finished_run: Callable[..., Path]
) -> None:
    parameters = {"model.optimizer.lr": {"values": [0.05, 1e-6]}}
    path = write_study(parameters=parameters, early_terminate={"type": "hyperband", "min_iter": 1, "eta": 2})
    code, output, errors = command("study", path)
    assert code == 0, errors
    study = tmp_path / "runs" / "studies" / "lr"
    first, pruned = trials(study)
    assert first["ended"]["status"] == "finished"
    assert pruned["ended"]["status"] == "pruned"
    assert pruned["pruned"]["epochs"] == 1
    assert pruned["pruned"]["value"] > pruned["pruned"]["needed"]
    assert "pruned: after 1 epoch" in output
    run = study / "0001-lr=1e-06"
    assert len((run / "metrics.csv").read_text().splitlines()) == 2

    code, output, errors = command("study", path, "--revive", "1")
    assert code == 0, errors
    assert output.startswith("0001  lr=1e-06  goes on\n")
    assert trials(study)[1]["ended"]["status"] == "finished"
    whole = finished_run("whole", "--model.optimizer.lr", 1e-6)
    assert_same_bits(weights(run), weights(whole))
    assert figures_of(run / "metrics.csv") == figures_of(whole / "metrics.csv")


def test_a_study_that_began_with_a_rule_that_prunes_nothing_goes_on(
    write_study: Write, started: list, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_study(
        parameters={"model.optimizer.lr": {"values": [0.05]}}, early_terminate={"type": "hyperband", "max_iter": 2}
    )
    with monkeypatch.context() as earlier:
        earlier.setattr("studies.command._prunes_nothing", lambda file, settings: "")
        assert command("study", path)[0] == 0
    code, output, errors = command("study", path)
    assert code == 0, errors
    assert "early_terminate: max_iter with eta 3: trials would be compared before the end of an epoch" in output


def test_the_models_own_metric_is_kept_where_the_file_names_none(
    write_study: Write, started: list, command: Command
) -> None:
    """The page of a study whose trials save the last weights had to guess it."""
    path = write_study(metric=None, parameters={"model.optimizer.lr": {"values": [0.1]}})
    code, _, errors = command("study", path, *SHORT, "--checkpoint.monitor", "last")
    assert code == 0, errors
    description = json.loads(Path("runs/studies/lr/study.json").read_text())
    assert description["compared_by"] == {"name": "val/acc", "goal": "maximize"}
    assert "metric" not in description["file"]


def test_a_target_ends_a_study(write_study: Write, started: list, command: Command) -> None:
    metric = {"name": "val/loss", "goal": "minimize", "target": 100.0}
    code, output, errors = command("study", write_study(metric=metric), *SHORT)
    assert code == 0, errors
    assert "1 trials: 1 finished" in output


def test_a_study_says_what_it_waits_for(
    write_study: Write, started: list, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"--gpus free: 1 needed, 0 found; {NO_FREE_GPU}"

    def start(argv: list[str], log: Path) -> StandIn:
        started.append(argv)
        log.write_text(f"error: {said}\n")
        return StandIn(2 if len(started) == 1 else 0)

    monkeypatch.setattr("studies.workers.start_command", start)
    monkeypatch.setattr("studies.workers.PAUSE", 1)
    code, output, errors = command("study", write_study(parameters={"model.optimizer.lr": {"values": [0.1]}}))
    assert code == 0, errors
    assert output.startswith(f"{said}; trials are tried again every 60 seconds\n0000  lr=0.1  finished")
    assert started[0] == started[1]


def test_a_study_without_a_point_left_is_complete(write_study: Write, started: list, command: Command) -> None:
    """Its file asks for more trials than there are points, which is not known before."""
    drawn = {"distribution": "q_normal", "mu": 0.2, "sigma": 0.001, "q": 0.1}
    path = write_study(method="random", parameters={"model.dropout": drawn}, run_cap=3)
    for many in (1, 0):
        started.clear()
        code, output, errors = command("study", path, *SHORT)
        assert (code, len(started)) == (0, many), errors
        assert "no new one: the study is complete with 1 of 3 trials\n1 trials: 1 finished\n" in output


@pytest.mark.parametrize(
    ("options", "content", "reason"),
    [
        (("--workers", "0"), {}, "--workers: 0: a number, at least 1, is needed"),
        (("--workers", "100000"), {}, "--workers: 100000: as many processes for "),
        (("--seeds", "1,1"), {}, "--seeds: 1,1: different numbers are needed"),
        (("--worker", "2"), {}, "--worker: there is no such option"),
        ((), {"parameters": {"model.droput": {"value": 1}}}, "--model.droput: there is no such option; did you mean"),
        ((), {"parameters": {"model.dropout": {"values": [0.1, 2.0]}}}, "--model.dropout 2.0: dropout probability"),
        ((), {"parameters": {"seed_everything": {"values": [1, -1]}}}, "--seed_everything -1: a number from 0 to"),
        ((), {"parameters": {"trainer.max_epochs": {"values": [1, -5]}}}, "--trainer.max_epochs -5: at least"),
        ((), {"metric": {"name": "val/bleu"}}, "metric: val/bleu: VGG does not log it"),
        (
            (),
            {"method": "random", "parameters": {"model.dropout": {"min": 0.0, "max": 0.5}}},
            "needs 'run_cap'",
        ),
        (
            ("--seeds", "1"),
            {"parameters": {"seed_everything": {"values": [1]}}},
            "--seeds: the file has",
        ),
        (
            ("--trainer.max_epochs", "2"),
            {"early_terminate": {"type": "hyperband", "min_iter": 2}},
            "early_terminate: compares trials first after 2 epochs, and runs end after 2 (trainer.max_epochs)",
        ),
        (
            (),
            {"early_terminate": {"type": "hyperband", "max_iter": 2}},
            "early_terminate: max_iter with eta 3: trials would be compared before the end of an epoch",
        ),
        ((), {"command": ["fit", "--config", "none.yaml", "${args}"]}, "--config none.yaml: no such file"),
        (("--ckpt_path", "run"), {}, "--ckpt_path: not beside a study, which chooses it for each trial"),
        (("--resume=auto",), {}, "--resume: not beside a study"),
        (("--revive", "3"), {}, "--revive: there is no study in "),
        (("--revive", " ,"), {}, "--revive: numbers of trials or statuses are needed, such as 1,failed"),
        (("--run_dir", ""), {}, "--run_dir: the name is empty"),
        (("--run_dir", "mine"), {}, "mine: is not empty, and holds no study; name another folder"),
        (("--run_dir", "mine/notes.txt"), {}, "notes.txt is a file, where a folder is expected"),
        (
            (),
            {"model": {"class_path": "A"}, "data": {"class_path": "B"}},
            "lr.yaml: a run's config, which 'fit",
        ),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_begun(
    options: tuple[str, ...], content: dict[str, Any], reason: str, write_study: Write, started: list, command: Command
) -> None:
    path = write_study(**content)
    (path.parent / "mine").mkdir()
    (path.parent / "mine" / "notes.txt").touch()
    before = {*path.parent.rglob("*")}
    code, _, errors = command("study", path, *options)
    assert code == 2
    assert reason in errors
    assert errors.count("\n") == 1
    assert started == []
    assert {*path.parent.rglob("*")} == before


def test_ctrl_c_says_how_to_go_on(
    write_study: Write, started: list, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(argv: list[str], log: Path) -> StandIn:
        os.kill(os.getpid(), signal.SIGINT)
        return StandIn(looks=FOREVER)

    monkeypatch.setattr("studies.workers.start_command", start)
    path = write_study()
    code, output, errors = command("study", path, *SHORT)
    assert code == 130, errors
    assert output.splitlines() == [
        "interrupted: 0 of 2 trials have ended, those that had begun are saved; go on with",
        f"  python cli.py study {path} --trainer.max_epochs 1 --trainer.logger false",
    ]


def test_help_and_a_missing_file(command: Command) -> None:
    code, output, _ = command("study", "--help")
    assert code == 0
    assert "--workers" in output
    assert command("study")[2] == "error: study needs FILE; 'python cli.py study --help' explains\n"
    assert "study nothing.yaml: no such file" in command("study", "nothing.yaml")[2]
