"""Where the files of a run lie, and which run is the newest."""

import os
from pathlib import Path

import pytest

from core.run_layout import advanced_at, checkpoint_in, folder_of, is_run, newest_first, runs_below


def make_run(path: Path, begun: int, saved: int | None = None) -> Path:
    """Makes a run's folder that began and saved at two moments."""
    (path / "checkpoints").mkdir(parents=True)
    times = {"config.yaml": begun} | ({} if saved is None else {"checkpoints/last.ckpt": saved})
    for name, when in times.items():
        (path / name).touch()
        os.utime(path / name, (when, when))
    return path


@pytest.mark.parametrize(("to_continue", "preferred"), [(False, "best.ckpt"), (True, "last.ckpt")])
def test_a_run_goes_on_from_its_last_checkpoint_and_is_used_by_its_best(
    to_continue: bool, preferred: str, tmp_path: Path
) -> None:
    assert checkpoint_in(tmp_path, to_continue) is None
    (tmp_path / "checkpoints").mkdir()
    other = {"best.ckpt": "last.ckpt", "last.ckpt": "best.ckpt"}[preferred]
    for name in (other, preferred):  # each stands in for the other
        (tmp_path / "checkpoints" / name).touch()
        assert checkpoint_in(tmp_path, to_continue).name == name


def test_a_checkpoint_is_of_the_run_around_it_or_of_the_files_beside_it(tmp_path: Path) -> None:
    kept, copied = tmp_path / "run" / "checkpoints" / "best.ckpt", tmp_path / "copy" / "best.ckpt"
    for path in (kept, copied):
        path.parent.mkdir(parents=True)
        path.touch()
    assert folder_of(kept) == folder_of(tmp_path / "run") == tmp_path / "run"
    assert folder_of(copied) == tmp_path / "copy"
    assert is_run(tmp_path / "run")
    assert not is_run(tmp_path / "copy")


def test_the_newest_run_is_the_one_that_came_further_last(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a", begun=100, saved=300)
    begun = make_run(tmp_path / "b", begun=200)
    tested = make_run(tmp_path / "c", begun=50, saved=150)
    (tested / "summary.json").touch()  # by a test, a moment ago
    again = make_run(tmp_path / "d", begun=10, saved=300)
    assert newest_first([tested, begun, first, again]) == [again, first, begun, tested]


def test_a_folder_that_is_removed_meanwhile_is_the_oldest(tmp_path: Path) -> None:
    assert advanced_at(tmp_path / "gone") == 0


def test_what_wandb_keeps_within_a_run_is_no_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "a", begun=1)
    (run / "wandb" / "files").mkdir(parents=True)
    (run / "wandb" / "files" / "config.yaml").touch()
    assert runs_below(tmp_path) == {run}
    inner = make_run(run / "inner", begun=2)
    (tmp_path / "config.yaml").touch()  # of whatever program
    assert runs_below(tmp_path) == {tmp_path, run, inner}
    assert runs_below(tmp_path / "none") == set()
