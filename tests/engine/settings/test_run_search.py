"""The run and the checkpoint that a name stands for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import InputError
from engine.settings.run_search import NEWEST_VARIABLE, architecture_of, find_checkpoint, names_several


@pytest.fixture(autouse=True)
def _nothing_found_before() -> Iterator[None]:
    """Forgets the newest run of another test."""
    os.environ.pop(NEWEST_VARIABLE, None)
    yield
    os.environ.pop(NEWEST_VARIABLE, None)


def test_a_run_with_one_checkpoint_stands_for_that(run: Path) -> None:
    (run / "checkpoints" / "best.ckpt").unlink()
    assert find_checkpoint(str(run), "test")[0].name == "last.ckpt"
    (run / "checkpoints" / "last.ckpt").unlink()
    reason = (
        r"no checkpoint in this folder \(looked for checkpoints/best.ckpt\); fit --ckpt_path .* begins this run again"
    )
    with pytest.raises(InputError, match=reason):
        find_checkpoint(str(run), "test")


@pytest.mark.parametrize("place", ["checkpoints/best.ckpt", "saved.ckpt"])
def test_the_config_is_found_beside_a_checkpoint_file(place: str, run: Path) -> None:
    (run / "saved.ckpt").touch()
    assert find_checkpoint(str(run / place), "fit") == (run / place, run)


def test_a_checkpoint_file_is_of_its_run_even_if_a_record_is_missing(run: Path) -> None:
    (run / "summary.json").unlink()
    assert find_checkpoint(str(run / "checkpoints" / "best.ckpt"), "fit")[1] == run


# The newest of several


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Three runs of two configs in the current folder, the second saved last, and the third without a checkpoint."""
    made = [tmp_path / "runs" / name for name in ("a/20260101-000000", "a/20260102-000000", "b/20260103-000000")]
    for age, run in zip((300, 100, 200), made, strict=True):
        (run / "checkpoints").mkdir(parents=True)
        (run / "config.yaml").write_text("model: 1")
        for name in ("config.yaml", "checkpoints/last.ckpt", "checkpoints/best.ckpt"):
            (run / name).touch()
            os.utime(run / name, (1e9 - age, 1e9 - age))
    for path in (made[2] / "checkpoints").iterdir():
        path.unlink()
    os.utime(made[2] / "config.yaml", (1e9, 1e9))
    return made


@pytest.mark.parametrize("given", ["latest", "runs", "runs/a", "runs/a/"])
@pytest.mark.parametrize(("subcommand", "file"), [("test", "best.ckpt"), ("predict", "best.ckpt")])
def test_a_folder_of_runs_stands_for_the_newest_that_has_a_checkpoint(
    given: str, subcommand: str, file: str, runs: list[Path]
) -> None:
    assert names_several(given)
    assert find_checkpoint(given, subcommand) == (runs[1] / "checkpoints" / file, runs[1])
    os.utime(runs[0] / "checkpoints" / "last.ckpt", (1e9 + 1, 1e9 + 1))
    assert find_checkpoint(given, subcommand)[1] == runs[0]


def test_fit_goes_on_with_the_newest_run_also_if_it_has_no_checkpoint_yet(runs: list[Path]) -> None:
    assert find_checkpoint("latest", "fit") == (None, runs[2])
    assert find_checkpoint("runs/a", "fit") == (runs[1] / "checkpoints" / "last.ckpt", runs[1])


def test_what_lies_within_a_run_is_no_run(runs: list[Path]) -> None:
    of_wandb = runs[0] / "wandb" / "run-20260101" / "files"
    of_wandb.mkdir(parents=True)
    (of_wandb / "config.yaml").touch()
    assert find_checkpoint("latest", "fit") == (None, runs[2])
    assert find_checkpoint("runs/a", "fit")[1] == runs[1]


def test_further_processes_take_what_the_first_has_found(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    find_checkpoint("latest", "test")
    monkeypatch.setenv("LOCAL_RANK", "1")
    os.utime(runs[0] / "checkpoints" / "last.ckpt", (1e9 + 1, 1e9 + 1))
    assert find_checkpoint("latest", "test")[1] == runs[1]


def test_no_runs_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--ckpt_path latest: no run with a checkpoint in .*runs"):
        find_checkpoint("latest", "test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"--ckpt_path empty: no run in .*empty"):
        find_checkpoint("empty", "fit")


def test_a_run_and_a_checkpoint_are_meant_themselves(runs: list[Path], tmp_path: Path) -> None:
    assert not names_several(str(runs[0]))
    assert not names_several(str(runs[0] / "checkpoints" / "last.ckpt"))
    (tmp_path / "latest").touch()
    assert not names_several("latest")


def test_the_class_of_a_runs_network_is_known_of_the_run_and_of_a_copied_checkpoint(tmp_path: Path) -> None:
    copied = tmp_path / "copy" / "best.ckpt"
    copied.parent.mkdir()
    copied.touch()
    (tmp_path / "copy" / "config.yaml").write_text("model: {class_path: lightning_modules.MLP}")
    assert architecture_of(str(copied)) == architecture_of(str(tmp_path / "copy")) == "MLP"
