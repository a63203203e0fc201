"""`fit --seeds`: a run for each seed, the same as by itself; mean and spread; what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from types import SimpleNamespace

import pytest
import torch

from core.summary import figures, read_summary, write_summary
from engine.runs.trial_file import Trial, read_trial
from engine.settings.overview import typed_command
from studies import seeds
from studies.study_folder import DESCRIPTION
from tests.bits import assert_same_bits
from tests.studies.report.folders import make_run

Command = Callable[..., tuple[int, str, str]]
SHORT = ("--trainer.max_epochs", 1, "--trainer.logger", "false")


def weights(run: Path) -> dict:
    """Returns the weights of a run's last checkpoint."""
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def groups() -> list[Path]:
    """Lists the folders of runs that differ in their seed."""
    return sorted(Path("runs/tiny").glob("seeds-*"))


def test_a_run_for_each_seed_with_mean_and_spread(
    config: Path, started: list, command: Command, finished_run: Callable[..., Path]
) -> None:
    code, output, errors = command("fit", "--config", config, "--seeds", "1,42", *SHORT)
    assert code == 0, errors
    (group,) = groups()
    runs = [group / "0000-seed=1", group / "0001-seed=42"]
    reached = [figures(read_summary(run / "summary.json"))["val/acc"] for run in runs]
    record = json.loads((group / "seeds.json").read_text())
    assert record["figures"]["val/acc"]["n"] == 2
    assert record["figures"]["val/acc"]["mean"] == pytest.approx(mean(reached))
    assert record["figures"]["val/acc"]["std"] == pytest.approx(stdev(reached))
    lines = output.splitlines()
    assert lines[0] == f"runs     {group}, and in its logs/ what each prints"
    assert lines[1].startswith(f"seed 1  val/acc {100 * reached[0]:.2f} %  finished  ")
    percent = [100 * value for value in reached]
    spread = f"{mean(percent):.2f} ± {stdev(percent):.2f} %  n = 2: {percent[0]:.2f} % {percent[1]:.2f} %"
    assert any(line.startswith("val/acc") and line.endswith(spread) for line in lines), output
    alone = finished_run("alone", "--seed_everything", 1, *SHORT)
    assert_same_bits(weights(runs[0]), weights(alone))


def test_the_same_command_goes_on_and_more_seeds_add_runs(config: Path, started: list, command: Command) -> None:
    command("fit", "--config", config, "--seeds", "1", *SHORT)
    started.clear()
    assert command("fit", "--config", config, "--seeds", "1", *SHORT)[0] == 0
    assert started == []
    assert command("fit", "--config", config, "--seeds", "1,2", "--data.eval_batch_size", 10, *SHORT)[0] == 0
    assert len(started) == 1
    (group,) = groups()
    command("test", "--ckpt_path", group / "0000-seed=1")
    code, output, _ = command("fit", "--config", config, "--seeds", "1,2", *SHORT)
    assert code == 0
    assert any(line.startswith("test/acc") and "n = 1: " in line for line in output.splitlines())


def test_an_option_that_is_newer_than_the_folder_makes_no_other(config: Path, started: list, command: Command) -> None:
    fit = ("fit", "--config", config, *SHORT)
    command(*fit, "--seeds", "1")
    (group,) = groups()
    description = json.loads((group / DESCRIPTION).read_text())
    del description["settings"]["trainer.benchmark"]  # as before a release that adds it
    (group / DESCRIPTION).write_text(json.dumps(description))
    assert command(*fit, "--seeds", "1,2")[0] == 0
    assert groups() == [group]
    given = ("--run_dir", group, "--trainer.benchmark", "true")
    code, _, errors = command(*fit, "--seeds", "1,2", *given)
    assert code == 2
    assert "trainer.benchmark was not there and is True now" in errors


def test_where_nothing_can_be_tested_no_test_is_advised(config: Path, started: list, command: Command) -> None:
    fit = ("fit", "--config", config, "--seeds", "1", *SHORT)
    advised = "tested like this, the same command adds the test's figures:"
    assert advised in command(*fit)[1]
    (path,) = Path("runs/tiny").glob("seeds-*/0000-seed=1/summary.json")
    summary = read_summary(path)
    assert summary["next_command"] == ["test"]
    write_summary(path, summary | {"next_command": ["predict", "--input", "FILE"]})
    assert advised not in command(*fit)[1]


@pytest.mark.parametrize("name", ["test/acc", "test_acc"])
def test_the_runs_that_are_not_tested_yet_are_to_be_tested(name: str, tmp_path: Path) -> None:
    """Once one was tested no other was named; and those of another package's module, which log `test_acc`, for ever."""
    for number in range(3):
        test = {"checkpoint": "best.ckpt", "epoch": 1, "step": 20, "metrics": {name: 0.5}}
        make_run(tmp_path / f"{number:04}-seed={number}", seed=number, tests=[] if number else [test])
    ended = {"status": "finished", "reason": "", "seconds": 1.0}
    trials = [
        Trial(number=number, settings={"seed_everything": number}, ended=ended, folder=path)
        for number, path in enumerate(sorted(tmp_path.glob("*-seed=*")))
    ]

    def advised(of: list[Trial]) -> list[str]:
        lines = seeds.SeedLines("val/acc", "max", [0, 1, 2], 1, {}).at_end(of, tmp_path)
        return [line for line in lines if f"{typed_command()} test" in line]

    assert any("n = 1: " in line for line in seeds.SeedLines(name, "max", [0], 1, {}).at_end(trials, tmp_path))
    (line,) = advised(trials)
    assert [f"seed={number}" in line for number in range(3)] == [False, True, True]
    assert advised(trials[:1]) == []


def test_other_settings_have_another_folder(
    config: Path, started: list, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("fit", "--config", config, "--seeds", "1", *SHORT, "--run_dir", "runs/tiny/seeds-0")
    command("fit", "--config", config, "--seeds", "1", *SHORT, "--model.dropout", 0.5)
    assert len(groups()) == 2
    assert len(started) == 2


def test_a_run_that_failed_is_tried_again(
    config: Path, started: list, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("engine.trainer.Trainer.fit", lambda *_, **__: 1 / 0)
        code, output, _ = command("fit", "--config", config, "--seeds", "1", *SHORT)
    assert code == 1
    assert "seed 1  failed: ZeroDivisionError" in output
    assert output.splitlines()[-1].startswith("seed 1 has no figures (failed: ZeroDivisionError")
    assert output.splitlines()[-1].endswith("); the same command tries it again")
    code, output, _ = command("fit", "--config", config, "--seeds", "1", *SHORT)
    assert code == 0
    assert "seed 1  val/acc" in output
    assert len(groups()) == 1


def test_a_seed_that_failed_and_is_not_asked_for_is_left_alone(config: Path, started: list, command: Command) -> None:
    fit = ("fit", "--config", config, *SHORT, "--run_dir", "here")
    assert command(*fit, "--seeds", "1")[0] == 0
    Path("here/0001-seed=2").mkdir()
    ended = {"status": "failed", "reason": "the disk is full", "seconds": 1.0}
    other = Trial(number=1, settings={"seed_everything": 2}, ended=ended, folder=Path("here/0001-seed=2"))
    other.write()
    started.clear()
    code, output, errors = command(*fit, "--seeds", "1")
    assert code == 0, errors
    assert started == []
    assert read_trial(other.folder) == other
    assert "n = 1: " in output


def test_seeds_that_have_diverged_fail_and_are_told_how_to_be_trained_anew(
    config: Path, started: list, command: Command
) -> None:
    code, output, errors = command("fit", "--config", config, *SHORT, "--model.optimizer.lr", 1e38, "--seeds", "1")
    assert code == 1, errors
    (run,) = Path("runs/tiny").glob("seeds-*/0000-seed=1")
    assert output.splitlines()[-1].startswith("seed 1 has no figures (diverged: the loss of step ")
    assert output.splitlines()[-1].endswith(f"; to train it anew: rm -r {run}, and the same command")
    assert "mean ±" not in output
    assert "cli.py test" not in output


def test_of_several_seeds_those_that_have_figures_are_tested(config: Path, started: list, command: Command) -> None:
    fit = ("fit", "--config", config, *SHORT, "--seeds", "1,2,3", "--run_dir", "here")
    assert command(*fit)[0] == 0
    trial = read_trial(Path("here/0001-seed=2"))
    trial.ended = {"status": "diverged", "reason": "the loss of step 1 is not finite", "seconds": 1.0}
    trial.write()
    started.clear()
    code, output, errors = command(*fit)
    assert code == 1, errors
    assert started == [], "it diverges again"
    assert "n = 2: " in output
    assert "  for run in here/0000-seed=1 here/0002-seed=3; do python cli.py test --ckpt_path" in output
    assert output.splitlines()[-1] == (
        "seed 2 has no figures (diverged: the loss of step 1 is not finite); to train it anew: rm -r here/0001-seed=2, "
        "and the same command"
    )
    shutil.rmtree("here/0001-seed=2")
    code, output, errors = command(*fit)
    assert code == 0, errors
    assert len(started) == 1
    assert "  for run in here/0*; do python cli.py test" in output


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--seeds", "1,1"), "--seeds: 1,1: different numbers are needed"),
        (("--seeds", "1", "2", "--workers", "1"), "--seeds 1 2: seeds have commas between them: --seeds 1,2"),
        (("--seeds", "1,-2"), "--seeds: 1,-2: numbers from 0 to 4294967295 are needed, such as 1,2,3"),
        (("--seeds", "1,2.5"), "--seeds: 1,2.5: numbers from 0 to 4294967295 are needed, such as 1,2,3"),
        (("--seeds", "1", "--seed_everything", "3"), "--seed_everything: not beside --seeds"),
        (("--seeds", "1", "--resume", "auto"), "--resume: not beside --seeds"),
        (("--seeds", "1", "--model.droput", "1"), "--model.droput: there is no such option"),
        (("--seeds=2", "--workers", "0"), "--workers: 0: a number, at least 1"),
        (("--seeds=2", "--workers", "100000"), "--workers: 100000: as many processes for "),
        (("--seeds=2", "--trainer.devices", "100000"), "--trainer.devices 100000: as many processes for "),
        (("--seeds", "1", "--worker", "2"), "--worker: there is no such option; did you mean --workers?"),
        (("--seeds", "1,4294967296"), "--seeds: 1,4294967296: numbers from 0 to 4294967295 are needed"),
        (("--seeds", "1", "--weights", "none.pt"), "--weights none.pt: no such file or run folder"),
        (
            ("--seeds", "1", "--early_stopping.monitor", "val/f1"),
            "--early_stopping.monitor val/f1: no validation",
        ),
        (("--seeds", "1", "--checkpoint.monitor", "val/f1"), "--checkpoint.monitor val/f1: no validation"),
        (("--seeds", "1", "--trainer.fast_dev_run", "true"), "--trainer.fast_dev_run: leaves no figures"),
        (("--seeds", "1", "--run_dir", ""), "--run_dir: the name is empty"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_begun(
    options: tuple[str, ...], reason: str, config: Path, started: list, command: Command
) -> None:
    code, _, errors = command("fit", "--config", config, *options)
    assert code == 2
    assert reason in errors
    assert errors.count("\n") == 1
    assert started == []
    assert not Path("runs").exists()


def test_a_short_option_behind_the_seeds_is_none_of_them(config: Path, started: list, command: Command) -> None:
    code, output, errors = command("fit", "--seeds", "1,2", "-c", config, "--dry_run")
    assert (code, errors) == (0, "")
    assert "--seed_everything=2" in output


def test_a_folder_of_other_seeds_is_refused(config: Path, started: list, command: Command) -> None:
    given = ("fit", "--config", config, *SHORT, "--run_dir", "here")
    assert command(*given, "--seeds", "1")[0] == 0
    code, _, errors = command(*given, "--seeds", "2")
    assert code == 2
    assert "has runs of the seeds 1; begin with these" in errors


def test_a_run_whose_folder_was_removed_is_made_again_and_none_twice(
    config: Path, started: list, command: Command
) -> None:
    given = ("fit", "--config", config, *SHORT, "--run_dir", "here")
    assert command(*given, "--seeds", "1,2")[0] == 0
    shutil.rmtree(Path("here/0000-seed=1"))
    started.clear()
    code, _, errors = command(*given, "--seeds", "2")
    assert code == 2
    assert "has runs of the seeds ?,2; begin with these (any other in place of ?), or name another" in errors
    assert command(*given, "--seeds", "1,2")[0] == 0
    assert [path.name for path in sorted(Path("here").glob("0*"))] == ["0000-seed=1", "0001-seed=2"]
    assert len(started) == 1


def test_a_dry_run_lists_the_commands(config: Path, started: list, command: Command) -> None:
    code, output, errors = command("fit", "--config", config, "--seeds", "7", "--dry_run")
    assert code == 0, errors
    assert output.splitlines()[0] == "0000  seed=7"
    assert "--seed_everything=7 --run_dir " in output
    assert not Path("runs").exists()


def test_runs_are_tested_by_what_the_systems_shells_know(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Path.cwd() / "runs" / "seeds" / f"000{number}" for number in range(2)]
    command = typed_command()
    for system, folder, lines in (
        ("linux", "runs/seeds", [f'for run in runs/seeds/0*; do {command} test --ckpt_path "$run"; done']),
        (
            "linux",
            None,
            [f'for run in runs/seeds/0000 runs/seeds/0001; do {command} test --ckpt_path "$run"; done'],
        ),
        ("win32", "runs/seeds", [f"{command} test --ckpt_path runs/seeds/000{number}" for number in range(2)]),
    ):
        monkeypatch.setattr(seeds, "sys", SimpleNamespace(platform=system))
        assert seeds._tests(runs, folder) == lines
