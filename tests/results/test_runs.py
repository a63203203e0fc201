"""Which commands are left for a run, by what its folder holds."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from core.summary import read_summary, write_summary
from results.runs import Runs
from results.table import Run
from results.table_file import read_table
from tests.results.processes import summary


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
    assert not made.is_begun(run)
    summary(made.folder(run), "interrupted")  # with or without a checkpoint
    assert made.is_begun(run)
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


@pytest.mark.parametrize(
    ("best", "data", "reason"),
    [(2, {}, "its test is of the checkpoint of step 1, and "), (1, {"changed": "more"}, "its test is on other data ")],
)
def test_a_run_is_tested_again_whose_test_does_not_count(
    best: int, data: dict[str, str], reason: str, runs: Callable
) -> None:
    made, run = runs("good")
    summary(made.folder(run), "finished", **{"test/acc": 0.5})
    path = made.folder(run) / "summary.json"
    content = read_summary(path) | {"best": {"step": best, "metrics": {}}}
    content["tests"][0]["data"] = data
    write_summary(path, content)
    assert not made.is_tested(run)
    assert made.why_not_tested(run).startswith(reason)
    assert [command[0] for _, command in made.commands(run)] == ["test"]


def test_a_failure_is_told_with_the_log(runs: Callable) -> None:
    made, run = runs("good")
    log = made.note(run, ["fit", "--config", "a b.yaml"])
    assert log.read_text() == "$ python cli.py fit --config 'a b.yaml'\n"
    with open(log, "a") as file:
        file.write("data ...\nerror: it is wrong\n\n")
    assert str(made.failure(run, ["fit"], 1)) == f"good/42: fit failed: it is wrong (all of it in {log})"
    assert str(made.failure(run, ["fit"], -9)) == f"good/42: fit failed: ended by signal 9 (all of it in {log})"


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


def test_a_judge_is_the_first_run_of_its_row_and_made_first(runs: Callable) -> None:
    made, run = runs("good", judge="long")
    run = Run(run.row, 7)
    (first, before), (_, fit), _ = made.commands(run)
    assert str(first) == "long/42"
    assert before[:2] == ["fit", "--config"]
    assert fit[fit.index("--model.judge") + 1] == "made/long/42"
