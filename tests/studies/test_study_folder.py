"""A study's folder: its state is its trials, none is lost, and nobody works on one that another has."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from core.errors import InputError
from engine.runs.trial_file import Halving, Trial, read_trial
from studies.naming import describe, folder_name
from studies.points import Points
from studies.study_file import read_study_file
from studies.study_folder import StudyFolder, reached, score

DESCRIPTION = {"file": {"method": "grid", "run_cap": 3, "parameters": {"lr": {"values": [1, 2]}}}, "seeds": []}
DESCRIPTION |= {"settings": {"model.dropout": 0.1}}
HALVING = Halving(metric="val/loss", mode="min", epochs=[1, 3], eta=3)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """The folder of a study that has begun."""
    made = StudyFolder(tmp_path / "study")
    made.describe(DESCRIPTION)
    return made


@pytest.fixture
def points(write_study: Callable[..., Path]) -> Points:
    """Three points."""
    return Points(read_study_file(write_study(parameters={"model.lr": {"values": [0.1, 0.2, 0.3]}})))


def end(trial: Trial, status: str) -> Trial:
    """Writes that a trial has ended."""
    trial.ended = {"status": status, "reason": "", "seconds": 1.0}
    trial.write()
    return trial


def test_trials_are_taken_in_order_and_by_one_alone(folder: StudyFolder, points: Points) -> None:
    other = StudyFolder(folder.path)  # as another process has it
    claims = [folder.take(points, None), other.take(points, HALVING), folder.take(points, None)]
    assert [claim and claim.trial.settings for claim in claims] == [{"model.lr": lr} for lr in (0.1, 0.2, 0.3)]
    assert other.take(points, None) is None
    assert [path.name for path in sorted(folder.path.glob("0*"))] == ["0000-lr=0.1", "0001-lr=0.2", "0002-lr=0.3"]
    assert folder.trials()[1] == Trial(number=1, settings={"model.lr": 0.2}, halving=HALVING)
    claims[1].release()
    again = folder.take(points, None)
    assert again is not None
    assert again.trial.number == 1
    end(again.trial, "finished")
    again.release()
    assert folder.take(points, None) is None


def test_a_study_on_a_disk_without_locks_is_refused(
    folder: StudyFolder, points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(InputError, match="its disk has no locks; name a folder on another disk with --run_dir"):
        folder.take(points, None)


def test_a_trial_whose_run_lives_on_is_left_alone(folder: StudyFolder, points: Points) -> None:
    claim = folder.take(points, None)
    claim.release()  # whoever had it was killed
    with FileLock(claim.trial.folder / ".lock"):
        assert folder.take(points, None).trial.number == 1
    assert folder.take(points, None).trial.number == 0


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_trial_that_ends_while_it_is_looked_for_is_not_made_again(
    is_removed: bool, folder: StudyFolder, points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = StudyFolder(folder.path).take(points, None)
    read = folder.trials

    def read_before_it_ends() -> list[Trial]:
        found = read()
        shutil.rmtree(other.trial.folder) if is_removed else end(other.trial, "finished")
        other.release()
        monkeypatch.undo()
        return found

    monkeypatch.setattr(folder, "trials", read_before_it_ends)
    assert folder.take(points, None).trial.number == 1
    assert [trial.number for trial in folder.trials() if trial.ended] == ([] if is_removed else [0])


def test_a_trial_that_was_killed_when_it_was_pruned_has_ended_so(folder: StudyFolder, points: Points) -> None:
    claim = folder.take(points, HALVING)
    claim.trial.pruned = {"epochs": 1, "value": 3.0, "needed": 2.0}
    claim.trial.write()
    claim.release()
    assert folder.take(points, None).trial.number == 1
    assert folder.trials()[0].ended == {"status": "pruned", "reason": "after 1 epoch", "seconds": 0.0}


def test_what_a_kill_leaves_of_a_new_trial_is_made_anew(folder: StudyFolder, points: Points) -> None:
    (folder.path / ".new-123").mkdir()
    claims = [folder.take(points, None) for _ in range(3)]
    claims[1].release()
    shutil.rmtree(folder.path / "0001-lr=0.2")
    assert folder.take(points, None).trial.settings == {"model.lr": 0.2}
    assert not [*folder.path.glob(".new-*")]


def test_the_same_study_goes_on_and_another_is_told_what_differs(folder: StudyFolder) -> None:
    file = DESCRIPTION["file"]
    folder.describe(DESCRIPTION | {"file": file | {"run_cap": 9, "description": "more"}})
    changed: dict[str, Any] = {"file": file | {"method": "random"}, "seeds": [1], "settings": {"model.dropout": 0.2}}
    with pytest.raises(InputError) as refused:
        folder.describe(changed)
    assert "other settings: method was grid and is random now, seeds was [] and is [1] now, " in str(refused.value)
    assert "model.dropout was 0.1 and is 0.2 now; go on with those" in str(refused.value)
    assert json.loads((folder.path / "study.json").read_text()) == DESCRIPTION


def test_a_folder_of_something_else_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    folder = StudyFolder(tmp_path)
    for refuses in (folder.check, lambda: folder.describe(DESCRIPTION)):
        with pytest.raises(InputError, match="is not empty, and holds no study"):
            refuses()
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(InputError, match=r"--revive: there is no study in .*/new yet"):
        StudyFolder(tmp_path / "new").check(revives=True)
    with pytest.raises(InputError, match=r"--run_dir .*notes.txt is a file, where a folder is expected"):
        StudyFolder(tmp_path / "notes.txt" / "new").check()


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"number": 1}', '{"number": 1, "settings": {}, "more": 2}'),
        '{"number": 1, "settings": {}, "fixed": null}',
    ],
)
def test_a_damaged_trial_is_named(content: str, folder: StudyFolder, points: Points) -> None:
    claim = folder.take(points, None)
    (claim.trial.folder / "trial.json").write_text(content)
    with pytest.raises(InputError, match=r"trial\.json|Expecting"):
        folder.trials()


def test_a_run_that_is_no_trial_has_none(tmp_path: Path) -> None:
    assert read_trial(tmp_path) is None


def test_trials_are_revived_by_number_or_status(folder: StudyFolder, points: Points) -> None:
    for status in ("pruned", "failed", "finished"):
        trial = folder.take(points, HALVING).trial
        trial.pruned = {"epochs": 1} if status == "pruned" else None
        end(trial, status)
    with pytest.raises(InputError, match="--revive 2: this trial is finished"):
        folder.revive(["0", "2"])
    with pytest.raises(
        InputError, match=r"--revive 7: no trial has .*; there are 1 pruned, 1 failed, 1 finished, with"
    ):
        folder.revive(["pruned", "diverged", "1", "7"])
    assert folder.trials()[0].ended, "nothing was opened"
    assert [trial.number for trial in folder.revive(["pruned", "diverged"])] == [0], "one word of two has a trial"
    assert folder.trials()[0] == Trial(number=0, settings={"model.lr": 0.1})
    assert [trial.number for trial in folder.revive(["0001"])] == [1]
    assert folder.trials()[1].halving == HALVING
    with pytest.raises(InputError, match="--revive 2: this trial is finished"):
        folder.revive(["2"])
    with pytest.raises(InputError, match="--revive diverged: no trial has such a number or status"):
        folder.revive(["diverged"])


def test_what_counts_is_the_figure_of_the_best_checkpoint(folder: StudyFolder, points: Points) -> None:
    trial = folder.take(points, None).trial
    summary = {
        "last": {"metrics": {"val/loss": 2.0, "train/loss": 1.0}},
        "best": {"step": 1, "metrics": {"val/loss": 1.5}},
    }
    (trial.folder / "summary.json").write_text(json.dumps(summary))
    assert score(trial, "val/loss") is None
    assert score(end(trial, "finished"), "val/loss") == 1.5
    assert score(trial, "train/loss") == 1.0
    assert score(trial, "val/acc") is None
    assert score(end(trial, "diverged"), "val/loss") is None


@pytest.mark.parametrize("ending", ["failed", "diverged", "killed", None])
def test_a_trial_that_failed_or_is_open_has_reached_nothing(
    ending: str | None, folder: StudyFolder, points: Points
) -> None:
    trial = folder.take(points, None).trial
    last = {"metrics": {"val/loss": 2.0, "val/acc": None, "val/f1": float("nan"), "train/loss": float("inf")}}
    (trial.folder / "summary.json").write_text(json.dumps({"last": last, "best": None}))
    assert reached(end(trial, "finished")) == {"val/loss": 2.0}
    trial.ended = ending and {"status": ending}
    assert reached(trial) == {}


@pytest.mark.parametrize(
    ("settings", "name", "words"),
    [
        ({"model.optimizer.lr": 1e-5, "seed_everything": 3}, "0007-lr=1e-05,seed=3", "lr=1e-05 seed=3"),
        ({"seed_everything": 3, "a.b": None}, "0007-b=None,seed=3", "b=None seed=3"),
        ({"model.widths": [8, 16]}, "0007-widths=8x16", "widths=[8, 16]"),
        (
            {"model.optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}},
            "0007-optimizer=SGD_0.1",
            "optimizer=SGD(lr=0.1)",
        ),
        ({"data.corpus": "../a b/ü"}, "0007-corpus=_a_b", "corpus=../a b/ü"),
        ({"x": "y" * 99}, f"0007-x={'y' * 58}", f"x={'y' * 99}"),
    ],
)
def test_folders_are_named_by_what_is_in_them(settings: dict[str, Any], name: str, words: str) -> None:
    trial = Trial(number=7, settings=settings)
    assert folder_name(trial) == name
    assert describe(trial) == words
